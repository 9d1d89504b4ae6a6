/** @file Tests. Another vocabulary in a run's folder: the run does not go on, answer, or start another one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findRun } from '../../../main/db/runs.ts';
import { numberedPairs } from '../../support/pairsCsv.ts';
import { PlaygroundStudio } from '../../support/playgroundStudio.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { prepareRun, train } from '../../support/trainedRun.ts';

const SWAPPED = { code: 'CHECKSUM_MISMATCH', message: expect.stringContaining('not the one') };
let studio: PlaygroundStudio;

beforeAll(async () => {
  studio = new PlaygroundStudio();
  await studio.import(
    'pairs',
    numberedPairs(60).map((pair, at) => ({ ...pair, split: at % 6 === 0 ? 'test' : 'train' })),
  );
});
afterAll(() => studio.databases.close());

/** The last two words trade places: as many tokens as before, and two wrong ids. */
function swapWords(folder: string): void {
  const path = join(folder, 'vocab.json');
  const tokens = JSON.parse(readFileSync(path, 'utf8')) as string[];
  writeFileSync(path, JSON.stringify([...tokens.slice(0, -2), tokens.at(-1), tokens.at(-2)]));
}

it('a stopped run does not go on with it', async () => {
  const training = await studio.startTraining('pairs', { epochs: 200 }, (reports) => {
    if (reports.some(({ kind }) => kind === 'started')) training.stop();
  });
  expect((await training.done).outcome).toBe('stopped');
  const folder = join(studio.databases.places.runs, training.runId);
  const whole = readFileSync(join(folder, 'vocab.json'));
  swapWords(folder);
  expect(await studioRejectionOf(studio.resume(training.runId, () => {}))).toMatchObject(SWAPPED);
  expect(findRun(studio.databases.store(), training.runId).state).toBe('stopped');
  writeFileSync(join(folder, 'vocab.json'), whole);
  const again = await studio.resume(training.runId, (reports) => {
    if (reports.some(({ kind }) => kind === 'started')) again.stop();
  });
  expect((await again.done).outcome).toBe('stopped');
});

it('a finished run answers nothing by it, and starts no other', async () => {
  const run = await studio.train('pairs');
  swapWords(join(studio.databases.places.runs, run));
  const playground = studio.playground();
  const pair = { premise: 'Person 3 rides a horse.', hypothesis: 'Somebody is outside.' };
  expect(await studioRejectionOf(playground.answer({ run, ...pair }))).toMatchObject(SWAPPED);
  await playground.close();
  const asked = { engine: 'wasm', threads: null } as const;
  expect(await studioRejectionOf(studio.inference.openPredictor(run, asked))).toMatchObject(SWAPPED);
  expect(await studioRejectionOf(studio.startTraining('pairs', {}, () => {}, run))).toMatchObject(SWAPPED);
});

it('the training worker looks itself', async () => {
  const prepared = await prepareRun(temporaryFolder(), { epochs: 1 }, { rows: 60 });
  swapWords(prepared.job.runDirectory);
  expect(await train(prepared).done).toMatchObject({ outcome: 'failed', error: SWAPPED });
});
