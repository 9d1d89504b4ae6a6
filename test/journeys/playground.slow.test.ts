/** @file Tests. The playground while a run trains: it answers, disturbs nothing, and follows the run's newest weights. */
import { afterAll, expect, it } from 'vitest';
import { findRun } from '../../main/db/runs.ts';
import { numberedPairs } from '../support/pairsCsv.ts';
import { inferenceChildren, PlaygroundStudio } from '../support/playgroundStudio.ts';

const PAIR = { premise: 'Person 3 rides a horse.', hypothesis: 'Somebody is outside at 4.' };

const studio = new PlaygroundStudio();
afterAll(() => studio.databases.close());

it('answers while another run trains, and takes up new weights of a run that went on', async () => {
  const pairs = numberedPairs(600).map((pair, at) => ({ ...pair, split: at % 6 === 0 ? 'test' : 'train' }));
  await studio.import('pairs', pairs);
  const playground = studio.playground();
  const finished = await studio.train('pairs', { seed: 1 });
  const alone = await playground.answer({ run: finished, ...PAIR });

  const moves = Promise.withResolvers<void>();
  const training = await studio.startTraining('pairs', { seed: 2, epochs: 400, batchSize: 16 }, (reports) => {
    if (reports.some((report) => report.kind === 'progress' && report.step > 0)) moves.resolve();
  });
  await moves.promise;
  const beside = await playground.answer({ run: finished, ...PAIR });
  expect(beside.probabilities).toEqual(alone.probabilities);
  const attention = await playground.attention({ run: finished, ...PAIR, layer: 1, head: 1 });
  expect(attention.tokens).toEqual(beside.tokens);
  expect(findRun(studio.databases.store(), training.runId).state).toBe('running');

  training.stop();
  const end = await training.done;
  if (end.outcome !== 'stopped') throw new Error(`it has ${end.outcome}`);
  const stopped = await playground.answer({ run: training.runId, ...PAIR });
  const goesOn = Promise.withResolvers<void>();
  const resumed = await studio.resume(training.runId, (reports) => {
    if (reports.some((report) => report.kind === 'progress' && report.step > end.step + 50)) goesOn.resolve();
  });
  await goesOn.promise;
  resumed.stop();
  await resumed.done;
  const later = await playground.answer({ run: training.runId, ...PAIR });
  expect(later.probabilities).not.toEqual(stopped.probabilities);

  await playground.close();
  expect(inferenceChildren()).toEqual([]);
});
