/** @file Tests. The book's bert.base in its real shape, with a short vocabulary: imported, and trained from for a step. */
import { afterAll, expect, it } from 'vitest';
import { logTail } from '../../../main/db/logs.ts';
import { fineTuningDefaults } from '../../../shared/presets.ts';
import { reasonToSkip } from '../../support/enginesForTests.ts';
import { BOOK_WORDS, bookArchive, importOf } from '../../support/importableModels.ts';
import { numberedPairs } from '../../support/pairsCsv.ts';
import { PlaygroundStudio } from '../../support/playgroundStudio.ts';

const studio = new PlaygroundStudio('native');

afterAll(() => studio.databases.close());

it('bert.base is imported and fine-tuned from', async ({ skip }) => {
  const reason = reasonToSkip('native');
  if (reason !== null) skip(reason);
  const { models, databases } = studio;
  const model = await models.import(importOf(bookArchive('bert.base'), 'bert.base'));
  expect(model.model).toMatchObject({ layers: 12, hidden: 768, heads: 12, feedForward: 3072 });
  expect(model.tokenizer.tokens).toBe(BOOK_WORDS.length);
  await studio.import('pairs', numberedPairs(30));
  const changes = { ...fineTuningDefaults(model.model), epochs: 1, batchSize: 64, workers: 1 };
  const training = await studio.startTraining('pairs', changes, () => {}, 'bert.base');
  expect((await training.done).outcome).toBe('finished');
  expect(logTail(databases.store(), training.runId, null).lines.map(({ text }) => text)).toContain(
    'It begins with the weights of the model bert.base; output.weight, output.bias begin at random.',
  );
});
