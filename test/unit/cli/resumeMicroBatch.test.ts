/** @file Tests. A run that goes on with fewer tokens at once. That less memory suffices then: faults/outOfMemory.slow.test.ts. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { claimQueued, microBatchWishOf } from '../../../main/db/queue.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { stateOf } from '../../../main/db/runState.ts';
import { findRun } from '../../../main/db/runs.ts';
import { findAnsweringModel } from '../../../main/studio/answeringModels.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { jsonLines } from '../../support/runEntail.ts';
import { startedReport } from '../../support/sampleRun.ts';

async function stoppedRun() {
  const home = await homeWithPairs();
  const { stdout } = await entailHere(['queue', 'add', ...TINY_RUN, '--json'], { home });
  const run = jsonLines(stdout)[0]!['runId'] as string;
  const store = openStudioDatabase(join(home, 'studio.db'));
  const lease = claimQueued(store, run, ['cpu']);
  appendReports(store, run, [startedReport(), { kind: 'stopped', step: 0 }]);
  lease.release();
  return { home, run, store };
}

it('runs resume takes a number of tokens, says so, and keeps it; the configuration stays what it was', async () => {
  const { home, run, store } = await stoppedRun();
  const refused = await entailHere(['runs', 'resume', run, '--micro-batch-tokens', '63'], { home });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('--micro-batch-tokens must be 0, or 64 to 1048576; "63" is not.');
  expect(stateOf(store, run)).toBe('stopped');

  const before = findRun(store, run).config;
  const resumed = await entailHere(['runs', 'resume', run, '--micro-batch-tokens', '64'], { home });
  expect(resumed).toMatchObject({ code: 0 });
  expect(resumed.stdout + resumed.stderr).toContain('It computes 64 tokens at once');
  expect(stateOf(store, run)).toBe('completed');
  expect(microBatchWishOf(store, run)).toBe(64);
  const shown = await entailHere(['runs', 'show', run], { home });
  expect(shown.stdout).toContain('resumed     with 64 tokens at once');
  expect(findRun(store, run).config).toEqual(before);
  store.close();

  // What the memory did not suffice for in training, it does not suffice for later.
  const databases = new Databases(dataPlaces(home), () => {});
  expect(findAnsweringModel(databases, run).config.hyperparameters.microBatchTokens).toBe(64);
  databases.close();
});

it('a page can ask for it, and what is not asked for stays', async () => {
  const { home, run, store } = await stoppedRun();
  const studio = openHosted(home);
  await studio.dispatch('queue/pause', { paused: true });
  expect(await studio.dispatch('runs/resume', { run, microBatchTokens: 63 })).toMatchObject({
    error: { code: 'BAD_INPUT' },
  });
  await studio.dispatch('runs/resume', { run, microBatchTokens: 128 });
  expect(stateOf(store, run)).toBe('queued');
  expect(microBatchWishOf(store, run)).toBe(128);
  await studio.dispatch('queue/remove', { run });
  await studio.dispatch('runs/resume', { run });
  expect(microBatchWishOf(store, run)).toBe(128);
  await studio.close();
  store.close();
});
