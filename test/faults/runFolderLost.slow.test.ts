/** @file Tests. A run's folder, or the checkpoints in it, removed under the studio: what is said, and what still works. Real workers. */
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openHosted } from '../support/hostedStudio.ts';
import { importTinyPairs, outcomeOf, StudioCalls } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Long enough to be caught with a checkpoint behind it and seconds before it. */
const CAUGHT = { epochs: 30, dropout: 0.1 };
const PAIR = { premise: 'a dog runs', hypothesis: 'a cat runs' };

let calls: StudioCalls;

beforeAll(async () => {
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  calls = new StudioCalls(openHosted(folder).dispatch);
});

/** Trained for a while, then stopped with a checkpoint. */
async function stoppedRun(): Promise<{ run: string; folder: string }> {
  const run = await calls.add(CAUGHT);
  await calls.untilSaved(run);
  await calls.ask('runs/stop', { run, how: 'keep' });
  const { folder, checkpoints, lost } = await calls.untilState(run, 'stopped');
  expect(checkpoints.length).toBeGreaterThan(0);
  expect(lost).toBeNull();
  return { run, folder };
}

/** A run that trains may make its folder again between the two calls. */
function putFileInPlaceOf(folder: string): void {
  renameSync(folder, `${folder}-away`);
  while (!existsSync(folder) || statSync(folder).isDirectory()) {
    try {
      rmSync(folder, { recursive: true, force: true });
      writeFileSync(folder, '', { flag: 'wx' });
    } catch {
      // It was made again, or something was put into it, just now.
    }
  }
}

describe('a stopped run', () => {
  it.each(['removed', 'a file now'])(
    'whose folder is %s says so wherever it is needed, and goes on when it is back',
    async (how) => {
      const { run, folder } = await stoppedRun();
      renameSync(folder, `${folder}-away`);
      if (how !== 'removed') writeFileSync(folder, '');

      const shown = await calls.show(run);
      expect(shown).toMatchObject({ state: 'stopped', lost: 'folder', checkpoints: [] });
      expect(shown.evaluations.length).toBeGreaterThan(0);
      const lost = {
        code: 'NOT_FOUND',
        message: `The folder of run ${run} is missing.`,
        nextStep: expect.stringContaining('Put it back where it was, or train a new run'),
      };
      expect(await calls.refusal('runs/resume', { run })).toMatchObject(lost);
      expect(await calls.refusal('playground/answer', { run, ...PAIR })).toMatchObject(lost);
      const { hyperparameters } = shown.config;
      const request = { dataset: 'pairs', hyperparameters, startFrom: run };
      expect(await calls.refusal('queue/add', { requests: [request], place: 'back' })).toMatchObject(lost);
      // What it was is still what it is.
      expect((await calls.show(run)).state).toBe('stopped');

      rmSync(folder, { force: true });
      renameSync(`${folder}-away`, folder);
      await calls.ask('runs/resume', { run });
      expect(await calls.untilState(run, 'completed')).toMatchObject({ lost: null, error: null });
    },
  );

  it('whose checkpoints are removed begins again, says so, and comes to what an undisturbed one comes to', async () => {
    const undisturbed = await calls.untilState(await calls.add(CAUGHT), 'completed');
    const { run, folder } = await stoppedRun();
    rmSync(join(folder, 'checkpoints'), { recursive: true });
    expect(await calls.show(run)).toMatchObject({ lost: 'checkpoints', checkpoints: [] });
    expect(await calls.refusal('playground/answer', { run, ...PAIR })).toMatchObject({
      code: 'NOT_FOUND',
      message: `The checkpoints of run ${run} are missing from its folder.`,
    });
    await calls.ask('runs/resume', { run });
    expect(outcomeOf(await calls.untilState(run, 'completed'))).toEqual(outcomeOf(undisturbed));
    expect(await calls.log(run)).toContain('it begins again.');
  });
});

it('whose folder becomes a file while it trains fails with a sentence, not as a defect', async () => {
  const run = await calls.add({ ...CAUGHT, epochs: 200 });
  const { folder } = await calls.untilSaved(run);
  putFileInPlaceOf(folder);
  const { error, lost } = await calls.untilState(run, 'failed');
  expect(error).toMatchObject({
    code: 'WRITE_FAILED',
    nextStep: expect.stringContaining('was removed or replaced while it trained'),
  });
  expect(lost).toBe('folder');
});
