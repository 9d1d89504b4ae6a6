/** @file Tests. Names of imported models: folders on every system, and never the id of a run. */
import { describe, expect, it } from 'vitest';
import { nextRunId } from '../../../../main/db/runId.ts';
import {
  isModelName,
  requireModelName,
  suggestedModelName,
} from '../../../../main/models/store/modelName.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';

describe('a name of a model', () => {
  it.each(['minilm', 'all-MiniLM-L6-v2', 'bert.small', 'BERT_base', '6x384', 'roberta', 'a', 'x'.repeat(64)])(
    '%s may be',
    (name) => {
      expect(isModelName(name)).toBe(true);
    },
  );

  it.each([
    ['', 'empty'],
    ['CON', 'Windows'],
    ['nul', 'Windows'],
    ['com1.bert', 'Windows'],
    ['a/b', 'must begin'],
    ['a\\b', 'must begin'],
    ['..', 'must begin'],
    ['../x', 'must begin'],
    ['.hidden', 'must begin'],
    ['-v', 'must begin'],
    ['--json', 'must begin'],
    ['bert.', 'ends with a dot'],
    ['bert ', 'must begin'],
    ['a b', 'must begin'],
    ['a\0b', 'must begin'],
    ['naïve', 'must begin'],
    ['C:', 'must begin'],
    ['x'.repeat(300), 'longer than 64 bytes'],
    ['bert.tmp-1', 'being written'],
    ['r', 'id of a run'],
    ['r1', 'id of a run'],
    ['RTE', 'id of a run'],
    ['r7f3k2', 'id of a run'],
    [nextRunId(null, Date.now()), 'id of a run'],
  ])('%j may not be', (name, why) => {
    const error = studioErrorOf(() => requireModelName(name));
    expect({ code: error.code, says: error.message.includes(why) }).toEqual({ code: 'USAGE', says: true });
    expect(error.message.length).toBeLessThan(250);
  });

  it.each([
    ['/models/all-MiniLM-L6-v2/', 'all-MiniLM-L6-v2'],
    ['C:\\models\\bert.small.torch.zip', 'bert.small'],
    ['/x/My Model (1)', 'My-Model-1'],
    ['/x/r7f3k2', 'model-r7f3k2'],
    ['/x/con', 'model-con'],
    ['/x/.....', 'model'],
    ['/', 'model'],
    [`/x/${'long'.repeat(100)}`, 'long'.repeat(15)],
  ])('is suggested for %s', (path, name) => {
    const suggested = suggestedModelName(path, () => false);
    expect(suggested).toBe(name);
    expect(isModelName(suggested)).toBe(true);
  });

  it('is suggested with a number where others are taken', () => {
    const taken = ['minilm', 'minilm-2'];
    expect(suggestedModelName('/x/minilm', (name) => taken.includes(name))).toBe('minilm-3');
  });
});
