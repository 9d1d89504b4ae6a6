/** @file Tests. A WordPiece run from scratch as the studio makes it: measured, queued, cloned by its folder, and started from. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Input } from '../../../shared/contract/contract.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { SMALL_PIECES, SMALL_VOCAB_TXT } from '../../support/smallWordPiece.ts';
import { importTinyPairs } from '../../support/studioCalls.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
let calls: HostedCalls;

beforeAll(async () => {
  await importTinyPairs(folder);
  calls = callsTo(openHosted(folder));
});

const requestWith = (changes: object, maxLen = 16): Input<'estimate/show'>['request'] => ({
  ...{ dataset: 'pairs', engine: 'wasm', threads: 1 },
  hyperparameters: hyperparametersSchema.parse({
    ...{ size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen, minFreq: 1 },
    ...{ batchSize: 32, workers: 1, epochs: 1 },
  }),
  ...changes,
});

async function trained(changes: object) {
  const { ids } = await calls.ask('queue/add', { requests: [requestWith(changes)], place: 'back' });
  return await until(
    () => calls.ask('runs/show', { run: ids[0]! }),
    ({ state }) => ['completed', 'failed'].includes(state),
  );
}

it('goes through probe and queue, and is cloned without its file', async () => {
  const vocabularyPath = temporaryFolder();
  writeFileSync(join(vocabularyPath, 'vocab.txt'), SMALL_VOCAB_TXT);
  writeFileSync(join(vocabularyPath, 'tokenizer_config.json'), '{"model_max_length": 12}');
  const probed = await calls.ended(
    (await calls.ask('estimate/probe', { request: requestWith({ vocabularyPath }) })).job,
  );
  expect(probed).toMatchObject({ state: 'done', outcome: { kind: 'probe' } });
  const run = await trained({ vocabularyPath });
  expect(run).toMatchObject({
    state: 'completed',
    config: { tokenizer: 'wordpiece', model: { vocabularySize: SMALL_PIECES.length } },
  });
  rmSync(vocabularyPath, { recursive: true });
  const clone = await trained({ vocabularyPath: run.folder });
  expect(clone).toMatchObject({ state: 'completed', config: { vocabularyHash: run.config.vocabularyHash } });
  expect(readFileSync(join(clone.folder, 'vocab.txt'), 'utf8')).toBe(SMALL_VOCAB_TXT);

  const warnings = async (changes: object, maxLen: number) =>
    (await calls.ask('estimate/show', { request: requestWith(changes, maxLen) })).checks
      .filter(({ verdict }) => verdict === 'warning')
      .map(({ text }) => text);
  const hint =
    "The files of the model's tokenizer name 12 tokens as its longest pair; this run reads up to 16.";
  expect(await warnings({ startFrom: run.id }, 16)).toContain(hint);
  expect(await warnings({ startFrom: run.id }, 12)).not.toContain(hint);
  // From random weights all 16 positions are learnt.
  expect(await warnings({ vocabularyPath: run.folder }, 16)).not.toContain(hint);
});
