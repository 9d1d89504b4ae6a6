/** @file Tests. The queue of a studio before anything trains: order, removal and its undo, and runs that cannot start. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimRun } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { createRun } from '../../../main/db/runs.ts';
import type { HostedStudio } from '../../../main/studio/hosting.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { sampleConfig, sampleEnvironment, startedReport } from '../../support/sampleRun.ts';
import { importTinyPairs, StudioCalls } from '../../support/studioCalls.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

let folder: string;
let studio: HostedStudio;
let calls: StudioCalls;

async function open(): Promise<void> {
  studio = openHosted(folder);
  calls = new StudioCalls(studio.dispatch);
  await calls.ask('queue/pause', { paused: true });
}

beforeEach(async () => {
  folder = temporaryFolder();
  await importTinyPairs(folder);
});

afterEach(async () => {
  await studio.close();
});

const waiting = async () => (await calls.ask('queue/show', {})).waiting.map(({ id }) => id);

/** A run that was stopped at step 5, in a data directory on which no studio is open. */
function stoppedRun(): string {
  const database = openStudioDatabase(join(folder, 'studio.db'));
  const run = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
  const lease = claimRun(database, run);
  appendReports(database, run, [startedReport(), { kind: 'stopped', step: 5 }]);
  lease.release();
  database.close();
  // A run without its folder cannot go on.
  mkdirSync(join(folder, 'runs', run), { recursive: true });
  writeFileSync(join(folder, 'runs', run, 'vocab.json'), '{}');
  return run;
}

/** Without its vocabulary a run fails before it gets a worker. */
async function addBroken(): Promise<string> {
  const run = await calls.add();
  rmSync(join(folder, 'runs', run, 'vocab.json'));
  return run;
}

describe('the order', () => {
  it('is that of adding; those added to the front come before all, in the order given; any can be moved', async () => {
    await open();
    const [a, b] = [await calls.add(), await calls.add()];
    const { hyperparameters } = (await calls.show(a!)).config;
    const request = { dataset: 'pairs', hyperparameters, engine: 'wasm' as const };
    const requests = [request, { ...request, name: 'second' }];
    const { ids } = await calls.ask('queue/add', { requests, place: 'front' });
    expect(await waiting()).toEqual([...ids, a, b]);
    expect((await calls.show(ids[1]!)).name).toBe('second');
    await calls.ask('queue/move', { run: b!, to: 0 });
    await calls.ask('queue/move', { run: ids[0]!, to: 99 });
    expect(await waiting()).toEqual([b, ids[1], a, ids[0]]);
    expect(await calls.refusal('queue/move', { run: 'r9zzz', to: 0 })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('counts the places that a person sees: a run that was taken out, and may come back, has none', async () => {
    await open();
    const [gone, a, b] = [await calls.add(), await calls.add(), await calls.add()];
    await calls.ask('queue/remove', { run: gone! });
    await calls.ask('queue/move', { run: a!, to: 1 });
    expect(await waiting()).toEqual([b, a]);
    await calls.ask('runs/restore', { ids: [gone!] });
    expect(await waiting()).toEqual([gone, b, a]);
  });

  it('survives the studio, with what a person wished of the queue', async () => {
    await open();
    const [a, b] = [await calls.add(), await calls.add()];
    await calls.ask('queue/move', { run: b!, to: 0 });
    await calls.ask('queue/continueAfterError', { value: false });
    await studio.close();
    studio = openHosted(folder);
    calls = new StudioCalls(studio.dispatch);
    expect(await waiting()).toEqual([b, a]);
    expect(await calls.ask('queue/show', {})).toMatchObject({ paused: true, continueAfterError: false });
  });
});

describe('what is taken out', () => {
  it('is deleted when it is new, and back at its place when that is taken back', async () => {
    await open();
    const ids = [await calls.add(), await calls.add(), await calls.add()];
    await calls.ask('queue/remove', { run: ids[1]! });
    expect(await waiting()).toEqual([ids[0], ids[2]]);
    expect((await calls.ask('runs/table', {})).ids).not.toContain(ids[1]);
    await calls.ask('runs/restore', { ids: [ids[1]!] });
    expect(await waiting()).toEqual(ids);
  });

  it('is what it was before when it was to go on', async () => {
    const run = stoppedRun();
    await open();
    await calls.ask('runs/resume', { run });
    expect(await calls.ask('queue/show', {})).toMatchObject({ waiting: [{ id: run, resumes: true }] });
    await calls.ask('queue/remove', { run });
    expect(await waiting()).toEqual([]);
    expect((await calls.show(run)).state).toBe('stopped');
  });

  it('is not started although its deletion can still be taken back', async () => {
    await open();
    const run = await addBroken();
    const other = await addBroken();
    await calls.ask('queue/remove', { run });
    await calls.ask('queue/pause', { paused: false });
    await calls.untilState(other, 'failed');
    await calls.ask('runs/restore', { ids: [run] });
    await calls.untilState(run, 'failed');
  });

  it('is gone with its folder once the studio has closed', async () => {
    await open();
    const run = await calls.add();
    expect(readdirSync(join(folder, 'runs'))).toEqual([run]);
    // The beginning of an id is as good as the id.
    await calls.ask('runs/delete', { ids: [run.slice(0, -1)] });
    expect(await waiting()).toEqual([]);
    await studio.close();
    await open();
    expect(readdirSync(join(folder, 'runs'))).toEqual([]);
    expect(await calls.refusal('runs/restore', { ids: [run] })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('for good'),
    });
  });
});

describe('what makes no sense', () => {
  it('is refused in words: to pause, stop or move what does not train or wait', async () => {
    const stopped = stoppedRun();
    await open();
    const run = await calls.add();
    for (const refused of [
      await calls.refusal('runs/pause', { run }),
      await calls.refusal('runs/stop', { run, how: 'keep' }),
      await calls.refusal('runs/resume', { run }),
      await calls.refusal('queue/move', { run: stopped, to: 0 }),
      await calls.refusal('queue/remove', { run: stopped }),
    ])
      expect(refused).toMatchObject({ code: 'USAGE', message: expect.stringMatching(/is (queued|stopped)/) });
    expect(await waiting()).toEqual([run]);
  });

  it('is to delete the data set of a run that waits; when it waits no more, the data set may go', async () => {
    await open();
    const run = await calls.add();
    expect(await calls.refusal('datasets/delete', { name: 'pairs' })).toEqual({
      code: 'LOCKED',
      message: `Run ${run} trains on pairs, or waits to.`,
      nextStep: 'Stop it, or take it out of the queue, first.',
    });
    await calls.ask('queue/remove', { run });
    await calls.ask('datasets/delete', { name: 'pairs' });
    // Taken back all the same, the run says what it lacks.
    await calls.ask('runs/restore', { ids: [run] });
    await calls.ask('queue/pause', { paused: false });
    expect(await calls.untilState(run, 'failed')).toMatchObject({
      error: { code: 'NOT_FOUND', message: 'There is no data set called "pairs".' },
    });
  });
});

describe('a run that cannot start', () => {
  it('fails with the reason, and the next one is tried', async () => {
    await open();
    const runs = [await addBroken(), await addBroken()];
    await calls.ask('queue/pause', { paused: false });
    for (const run of runs)
      expect(await calls.untilState(run, 'failed')).toMatchObject({
        error: { code: 'NOT_FOUND', message: expect.stringContaining('vocab.json') },
      });
    expect(await calls.ask('queue/show', {})).toMatchObject({ paused: false, pausedBy: null, running: [] });
  });

  it('pauses the queue where a person wished so, and nothing more starts until they say so', async () => {
    await open();
    const runs = [await addBroken(), await addBroken()];
    await calls.ask('queue/continueAfterError', { value: false });
    await calls.ask('queue/pause', { paused: false });
    const shown = await until(
      () => calls.ask('queue/show', {}),
      ({ paused }) => paused,
    );
    expect(shown).toMatchObject({
      pausedBy: { run: runs[0], message: expect.stringContaining('vocab.json') },
      waiting: [{ id: runs[1] }],
    });
    // Whatever was on its way when the queue was paused has come to its end when the studio has.
    await studio.close();
    studio = openHosted(folder);
    calls = new StudioCalls(studio.dispatch);
    expect(await calls.ask('queue/show', {})).toMatchObject({
      pausedBy: { run: runs[0] },
      waiting: [{ id: runs[1] }],
    });
    expect(await calls.ask('queue/pause', { paused: false })).toMatchObject({
      paused: false,
      pausedBy: null,
    });
    await calls.untilState(runs[1]!, 'failed');
  });

  it('because its engine is gone keeps no other from being tried', async () => {
    const database = openStudioDatabase(join(folder, 'studio.db'));
    const config = { ...sampleConfig(), engine: 'tensorflow' as const };
    const queue = { place: -1, threads: null };
    const run = createRun(database, { config, environment: sampleEnvironment, queue });
    database.close();
    await open();
    const other = await addBroken();
    await calls.ask('queue/pause', { paused: false });
    await calls.untilState(run, 'failed');
    await calls.untilState(other, 'failed');
  });

  it('because it cannot be written down is not in the queue at all', async () => {
    await open();
    rmSync(join(folder, 'runs'), { recursive: true, force: true });
    writeFileSync(join(folder, 'runs'), 'a file stands where the folder was');
    await expect(calls.add()).rejects.toThrow('WRITE_FAILED');
    expect(await waiting()).toEqual([]);
    rmSync(join(folder, 'runs'));
    mkdirSync(join(folder, 'runs'));
    const run = await calls.add();
    expect(await waiting()).toEqual([run]);
    expect(existsSync(join(folder, 'runs', run, 'vocab.json'))).toBe(true);
  });
});
