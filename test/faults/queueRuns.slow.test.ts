/** @file Tests. The queue of a studio with real workers: one run after another; paused, stopped, killed runs end as if nothing had been. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import type { RunDetails } from '../../shared/contract/runs.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { childrenOf, importTinyPairs, outcomeOf, StudioCalls } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

/** Long enough to be caught with a checkpoint behind it and seconds before it. */
const CAUGHT = { epochs: 30, keep: 'best', dropout: 0.1 };
const ENDLESS = { epochs: 1000 };

let studio: HostedStudio;
let calls: StudioCalls;
/** A run that nobody disturbed, and what it came to. */
let undisturbed: RunDetails;
let expected: object;

beforeAll(async () => {
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  studio = openHosted(folder);
  calls = new StudioCalls(studio.dispatch);
  undisturbed = await calls.untilState(await calls.add(CAUGHT), 'completed');
  expected = outcomeOf(undisturbed);
});
afterAll(async () => {
  await studio.close();
});

const queue = () => calls.ask('queue/show', {});
const workers = () => childrenOf('training/worker');

describe('a run', () => {
  it('that is paused waits with a checkpoint, and comes to the same', async () => {
    const run = await calls.add(CAUGHT);
    await calls.untilSaved(run);
    await calls.ask('runs/pause', { run });
    const { progress, checkpoints } = await calls.untilState(run, 'paused');
    expect(Math.max(...checkpoints.map(({ step }) => step))).toBe(progress!.step);
    expect(workers()).toHaveLength(1);
    await calls.ask('runs/resume', { run });
    expect(outcomeOf(await calls.untilState(run, 'completed'))).toEqual(expected);
  });

  it('that is stopped to be kept has figures, predictions and a checkpoint, and goes on from there to the same', async () => {
    const run = await calls.add(CAUGHT);
    await calls.untilSaved(run);
    await calls.ask('runs/stop', { run, how: 'keep' });
    const kept = await calls.untilState(run, 'stopped');
    const { steps, testAccuracy } = kept.result!;
    expect(steps).toBeLessThan(undisturbed.result!.steps);
    expect(kept.predictions).toEqual([{ split: 'test', step: steps }]);
    expect(kept.evaluations.at(-1)).toMatchObject({ split: 'test', step: steps, accuracy: testAccuracy });
    expect(kept.checkpoints.map(({ step }) => step)).toContain(steps);
    await calls.ask('runs/resume', { run });
    const done = await calls.untilState(run, 'completed');
    const evaluations = done.evaluations.filter(({ split, step }) => split !== 'test' || step !== steps);
    expect(outcomeOf({ ...done, evaluations })).toEqual(expected);
  });

  it('whose worker is killed is interrupted, says why, pauses the queue where that was wished, and goes on to the same', async () => {
    await calls.ask('queue/continueAfterError', { value: false });
    const run = await calls.add(CAUGHT);
    await calls.untilSaved(run);
    process.kill(workers()[0]!, 'SIGKILL');
    const { error } = await calls.untilState(run, 'interrupted');
    expect(error).toMatchObject({
      code: 'WORKER_CRASHED',
      message: expect.stringContaining('signal SIGKILL'),
      nextStep: expect.stringContaining('resume the run'),
    });
    expect(await calls.log(run)).toContain('signal SIGKILL');
    const { pausedBy } = await until(queue, ({ paused }) => paused);
    expect(pausedBy).toEqual({ run, message: error!.message });
    await calls.ask('runs/resume', { run });
    expect(await queue()).toMatchObject({ waiting: [{ id: run, resumes: true }], running: [] });
    await calls.ask('queue/continueAfterError', { value: true });
    await calls.ask('queue/pause', { paused: false });
    const done = await calls.untilState(run, 'completed');
    expect(outcomeOf(done)).toEqual(expected);
    expect(done.error).toBeNull();
  });

  it('keeps its data set, obeys who changes their mind at once, and can be discarded and had back', async () => {
    const run = await calls.add(ENDLESS);
    await calls.untilSaved(run);
    expect(await calls.refusal('datasets/delete', { name: 'pairs' })).toMatchObject({
      code: 'LOCKED',
      nextStep: expect.stringContaining('Stop it'),
    });
    expect(await calls.refusal('runs/delete', { ids: [run] })).toMatchObject({ code: 'LOCKED' });
    // Together, so that the worker hears of both before its next step.
    await Promise.all([calls.ask('runs/pause', { run }), calls.ask('runs/resume', { run })]);
    const { progress } = await calls.show(run);
    const later = await until(
      () => calls.show(run),
      (now) => now.progress!.epoch > progress!.epoch + 2,
    );
    expect(later.state).toBe('running');
    await calls.ask('runs/discard', { run });
    expect((await calls.ask('runs/table', {})).ids).not.toContain(run);
    expect(workers()).toEqual([]);
    await calls.ask('runs/restore', { ids: [run] });
    expect((await calls.show(run)).state).toBe('interrupted');
  });
});

describe('several runs', () => {
  it('train in their order, one at a time; one that fails does not keep the next from training', async () => {
    await calls.ask('queue/pause', { paused: true });
    const [last, first] = [await calls.add(), await calls.add()];
    const { hyperparameters } = (await calls.show(first!)).config;
    const request = { dataset: 'pairs', hyperparameters, engine: 'wasm' as const, startFrom: undisturbed.id };
    const bad = (await calls.ask('queue/add', { requests: [request], place: 'front' })).ids[0]!;
    // Its worker finds no weights to start from.
    rmSync(join(undisturbed.folder, 'checkpoints'), { recursive: true });
    await calls.ask('queue/move', { run: first!, to: 0 });
    await calls.ask('queue/pause', { paused: false });
    const shown = await until(queue, ({ running, waiting }) => {
      expect(running.length).toBeLessThan(2);
      return running.length + waiting.length === 0;
    });
    expect(shown).toMatchObject({ paused: false, pausedBy: null });
    const [one, two, three] = await Promise.all([first!, bad, last!].map((run) => calls.show(run)));
    expect([one!.state, two!.state, three!.state]).toEqual(['completed', 'failed', 'completed']);
    expect(two!.error).toMatchObject({ code: 'NOT_FOUND', place: { file: expect.any(String) } });
    expect(one!.finishedAt! <= two!.finishedAt!).toBe(true);
    expect(two!.finishedAt! <= three!.startedAt!).toBe(true);
  });
});
