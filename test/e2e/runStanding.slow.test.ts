/** @file Tests. What a run's page says at its top when the run stands still: killed, lost with its host, failed, or waiting for room. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openStudioDatabase } from '../../main/db/open.ts';
import { claimQueued, microBatchWishOf } from '../../main/db/queue.ts';
import { failRun } from '../../main/db/runState.ts';
import { resumeWith, withSmallerMicroBatch } from '../../main/training/outOfMemory.ts';
import { unpackTable } from '../../renderer/state/unpackedTable.ts';
import { errorData, StudioError } from '../../shared/errors.ts';
import { openHeadless } from '../support/headlessHost.ts';
import { smallDisk } from '../support/smallDisk.ts';
import { childrenOf, importTinyPairs, StudioCalls } from '../support/studioCalls.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Long enough to be caught: nobody waits for its end. */
const LONG = { epochs: 1000 };

async function openOn(folder: string): Promise<{ studio: StudioInBrowser; calls: StudioCalls }> {
  const studio = await StudioInBrowser.open(folder);
  onTestFinished(() => studio.close());
  const calls = new StudioCalls(async (route, input) => ({
    ok: true,
    value: await studio.call(route as 'runs/show', input as { run: string }),
  }));
  return { studio, calls };
}

it('tells that a process was lost, with the worker or with the whole studio, and resumes', async () => {
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  const host = await openHeadless(folder);
  const lost = await host.calls.add(LONG);
  await host.calls.untilSaved(lost);
  await host.end('SIGKILL');

  const { studio, calls } = await openOn(folder);
  const { page } = studio;
  const alert = page.getByRole('main').getByRole('alert');
  await studio.goTo(`#/runs/${lost}`);
  await alert.getByRole('heading', { name: /^Interrupted after step [\d,]+ of [\d,]+$/ }).waitFor();
  const text = await alert.innerText();
  expect(text).toContain(`Process ${host.process.pid} on `);
  expect(text).toContain('ended without a word: it was killed, or the computer went off.');
  expect(text).toMatch(/Resume goes on from the last checkpoint, step [\d,]+\./);
  expect(await studio.seriousViolations()).toEqual([]);

  await alert.getByRole('button', { name: 'Resume' }).click();
  await calls.untilState(lost, 'running');
  await alert.waitFor({ state: 'detached' });
  const [worker] = childrenOf('training/worker');
  expect(worker).toBeDefined();
  process.kill(worker!, 'SIGKILL');
  await alert.getByText('The worker ended unexpectedly (signal SIGKILL).').waitFor();
  expect(await alert.innerText()).toMatch(/^Interrupted after step/);
  expect(studio.complaints).toEqual([]);
});

it('tells why a run has failed, and what to do where it cannot be resumed', async () => {
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  const { studio, calls } = await openOn(folder);
  await calls.ask('queue/pause', { paused: true });
  const run = await calls.add();
  rmSync(join(folder, 'runs', run, 'vocab.json'));
  await studio.goTo(`#/runs/${run}`);
  await calls.ask('queue/pause', { paused: false });
  const { error } = await calls.untilState(run, 'failed');
  const alert = studio.page.getByRole('main').getByRole('alert');
  await alert.getByRole('heading', { name: 'Failed before its first step' }).waitFor();
  const text = await alert.innerText();
  for (const said of [error!.message, error!.nextStep, 'and so it cannot be resumed'])
    expect(text).toContain(said);
  expect(error!.message).toBe(
    `The folder of run ${run} has no vocabulary any more (vocab.json, tokenizer.json or vocab.txt), which the run needs.`,
  );
  expect(await studio.page.getByRole('button', { name: 'Resume' }).count()).toBe(0);
  await alert.getByRole('link', { name: 'Clone' }).click();
  await studio.page.getByText(/^cloned from/).waitFor();
});

it('goes on with fewer tokens at once where memory did not suffice', async () => {
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  const { studio, calls } = await openOn(folder);
  await calls.ask('queue/pause', { paused: true });
  const run = await calls.add();
  const store = openStudioDatabase(join(folder, 'studio.db'));
  const lease = claimQueued(store, run, ['cpu']);
  const thrown = new StudioError('OUT_OF_MEMORY', 'The system has no memory for 3 GiB.');
  const told = withSmallerMicroBatch(thrown, {
    microBatchTokens: 2048,
    how: resumeWith({ runId: run, engine: 'native' }),
  });
  failRun(store, run, errorData(told));
  lease.release();
  await studio.goTo(`#/runs/${run}`);
  const alert = studio.page.getByRole('main').getByRole('alert');
  await alert.getByRole('heading', { name: 'Failed before its first step' }).waitFor();
  expect(await studio.seriousViolations()).toEqual([]);
  await alert.getByRole('button', { name: 'Resume with 1,024 tokens at once' }).click();
  await calls.untilState(run, 'queued');
  expect(microBatchWishOf(store, run)).toBe(1024);
  store.close();
  await calls.ask('queue/pause', { paused: false });
  await calls.untilState(run, 'completed');
  await alert.waitFor({ state: 'detached' });
  await studio.page.getByText('It computes 1024 tokens at once').first().waitFor();
  await studio.page.getByRole('definition').getByText('1,024 tokens at once').waitFor();
  expect(studio.complaints).toEqual([]);
});

it('tells that a run waits for room on the disk, there and in the queue, until it does not', async ({
  skip,
}) => {
  const disk = smallDisk(32);
  if (disk === null) return skip('only root on Linux may mount a small disk');
  await importTinyPairs(disk.folder);
  const { studio, calls } = await openOn(disk.folder);
  const { page } = studio;
  await studio.goTo('#/queue');
  await page.getByRole('heading', { name: 'Nothing waits' }).waitFor();
  disk.fill(600_000);
  const run = await calls.add();
  await page.getByText('Waits for room on the disk: There is no room left').waitFor();
  expect(await studio.seriousViolations()).toEqual([]);
  await studio.goTo(`#/runs/${run}`);
  const alert = page.getByRole('main').getByRole('alert');
  await alert.getByRole('heading', { name: 'Waits for room on the disk' }).waitFor();
  const text = await alert.innerText();
  expect(text).toContain('Make room on that disk');
  expect(text).toContain('It goes on by itself as soon as there is room.');
  disk.empty();
  await calls.untilState(run, 'completed');
  await alert.waitFor({ state: 'detached' });
  expect(unpackTable(await calls.ask('runs/table', {})).states).toEqual(['completed']);
  expect(studio.complaints).toEqual([]);
});
