/** @file Tests. Real runs in a hosted studio: what was estimated and measured, events after they are stored, and the webhook, which never hurts. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listEvaluations } from '../../../main/db/evaluations.ts';
import { listLogs } from '../../../main/db/logs.ts';
import { metricSeries } from '../../../main/db/metrics.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { findRun } from '../../../main/db/runs.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import type { HostedStudio } from '../../../main/studio/hosting.ts';
import { unpackTable } from '../../../renderer/state/unpackedTable.ts';
import type { Input } from '../../../shared/contract/contract.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { closedOrigin, loopbackServer } from '../../support/loopbackServer.ts';
import { importTinyPairs } from '../../support/studioCalls.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const SECRET = 'tops3cret';
const folder = temporaryFolder();
let studio: HostedStudio;
let calls: HostedCalls;

beforeAll(async () => {
  await importTinyPairs(folder);
  studio = openHosted(folder);
  calls = callsTo(studio);
});

const requestWith = (changes: object): Input<'estimate/show'>['request'] => ({
  ...{ dataset: 'pairs', engine: 'wasm', threads: 1 },
  hyperparameters: hyperparametersSchema.parse({
    ...{ size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen: 16, minFreq: 1 },
    ...{ batchSize: 32, workers: 1, epochs: 2, keep: 'best', ...changes },
  }),
});
const start = async (changes: object = {}) =>
  (await calls.ask('queue/add', { requests: [requestWith(changes)], place: 'back' })).ids[0]!;
const ended = (run: string) =>
  until(
    () => calls.ask('runs/show', { run }),
    ({ state }) => ['completed', 'failed', 'stopped', 'interrupted'].includes(state),
  );

/** Looks by a connection of its own whether what an event tells is on the disk. */
function missingFrom(path: string, events: readonly StudioEvent[]): string[] {
  const store = openStudioDatabase(path, { readOnly: true });
  const missing = events.flatMap((event): string[] => {
    switch (event.kind) {
      case 'points': {
        const { metric, step, value } = event.points.at(-1)!;
        const { steps, values } = metricSeries(store, event.run, metric);
        return values[steps.lastIndexOf(step)] === value ? [] : [`${metric} at ${step}`];
      }
      case 'progress':
        // Encoding comes before the run's first report, and is worth nothing afterwards.
        if (event.progress.phase === 'encoding') return [];
        return (findRun(store, event.run).progress?.step ?? -1) >= event.progress.step ? [] : ['progress'];
      case 'evaluation': {
        const { split, step } = event.evaluation;
        const stored = listEvaluations(store, event.run);
        return stored.some((one) => one.split === split && one.step === step) ? [] : [`${split} at ${step}`];
      }
      case 'log': {
        const texts = listLogs(store, event.run).map(({ text }) => text);
        return event.lines.flatMap(({ text }) => (texts.includes(text) ? [] : [text]));
      }
      default:
        return [];
    }
  });
  store.close();
  return missing;
}

describe('a run', () => {
  it('is measured by a probe that leaves nothing, and keeps to its estimate; each event is on the disk when it is told', async () => {
    const request = requestWith({});
    const estimate = await calls.ask('estimate/show', { request });
    // Of its own: others measure on this machine, too.
    const temporary = temporaryFolder();
    setVariable('TMPDIR', temporary);
    const probed = await calls.ended((await calls.ask('estimate/probe', { request })).job);
    expect(probed).toMatchObject({
      state: 'done',
      outcome: { kind: 'probe', probe: { engine: 'wasm', threads: 1 } },
    });
    const probe = (probed.outcome as Extract<typeof probed.outcome, { kind: 'probe' }>).probe!;
    expect(probe).toMatchObject({
      ...{ device: 'cpu', devices: { least: 1, most: 1 }, stepsPerEpoch: estimate.stepsPerEpoch },
    });
    expect(probe.pairsPerSecond).toBeCloseTo(32 / probe.secondsPerStep, 5);
    expect(probe.epochSeconds).toBeGreaterThan(probe.stepsPerEpoch * probe.secondsPerStep);
    expect(probe.totalSeconds).toBeGreaterThan(2 * probe.epochSeconds);
    // A process with an engine in it takes tens of megabytes, and no more than there are.
    expect(probe.peakMemoryBytes).toBeGreaterThan(40e6);
    expect(probe.peakMemoryBytes).toBeLessThan(totalmem());
    expect(probe.freeMemoryBytes).toBeGreaterThan(0);
    expect(unpackTable(await calls.ask('runs/table', {})).ids).toEqual([]);
    expect(readdirSync(temporary).filter((name) => name.startsWith('entail-probe-'))).toEqual([]);

    const missing: string[] = [];
    const path = dataPlaces(folder).studioDatabase;
    const leave = studio.events.subscribe(null, ({ events }) => missing.push(...missingFrom(path, events)));
    const run = await start();
    const done = await ended(run);
    await until(() => calls.events.some((event) => event.kind === 'evaluation' && event.split === 'test'));
    leave();
    expect([done.state, missing]).toEqual(['completed', []]);
    const kinds = new Set(calls.events.map(({ kind }) => kind));
    for (const kind of ['points', 'progress', 'evaluation', 'runs', 'queue'] as const)
      expect(kinds).toContain(kind);
    expect(done.plan).toMatchObject({
      ...{ stepsPerEpoch: estimate.stepsPerEpoch, totalSteps: estimate.totalSteps },
      ...{ parameters: estimate.parameters, truncatedPairs: 0 },
    });
    expect(done.config.model.vocabularySize).toBe(estimate.vocabularySize);
    // Names, configuration and vocabulary stand beside the numbers.
    for (const { sizeBytes } of done.checkpoints) {
      expect(sizeBytes).toBeGreaterThan(estimate.checkpointBytes);
      expect(sizeBytes).toBeLessThan(estimate.checkpointBytes + 40_000);
    }
    expect(done.checkpoints.length).toBeLessThanOrEqual(4);
    // Every point that was told is a point of the curve, in order, and none is missing.
    const told = calls.events.flatMap((event) =>
      event.kind === 'points' && event.run === run
        ? event.points.filter(({ metric }) => metric === 'step/loss').map(({ step }) => step)
        : [],
    );
    expect(told).toEqual(Array.from({ length: estimate.totalSteps }, (_, at) => at + 1));
  });

  it('is not measured while another one trains on the same device', async () => {
    const run = await start({ epochs: 1000 });
    await until(
      () => calls.ask('runs/show', { run }),
      ({ state }) => state === 'running',
    );
    expect(await calls.refusal('estimate/probe', { request: requestWith({}) })).toMatchObject({
      code: 'LOCKED',
    });
    expect(await calls.refusal('engines/test', { engine: 'wasm' })).toMatchObject({ code: 'LOCKED' });
    await calls.ask('runs/stop', { run, how: 'now' });
    expect((await ended(run)).state).toBe('interrupted');
  });
});

describe('a run on several devices', () => {
  it('is measured on one of them, which is said', async () => {
    const request = { ...requestWith({}), devices: ['cpu', 'cpu'] };
    const probed = await calls.ended((await calls.ask('estimate/probe', { request })).job);
    expect(probed).toMatchObject({
      state: 'done',
      outcome: { probe: { device: 'cpu', devices: { least: 2, most: 2 } } },
    });
    expect(
      await calls.refusal('estimate/probe', { request: { ...request, devices: ['cuda:7'] } }),
    ).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the webhook', () => {
  it('hears of a run that is done, and of one that has failed', async () => {
    const heard: Record<string, unknown>[] = [];
    const { origin } = await loopbackServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += String(piece);
      heard.push(JSON.parse(text) as Record<string, unknown>);
      response.end();
    });
    await calls.ask('app/changeSettings', { webhookUrl: `${origin}/hook/${SECRET}` });
    const run = await start({ epochs: 1 });
    const { result } = await ended(run);
    await until(() => heard.length === 1);
    expect(heard[0]).toMatchObject({
      run,
      state: 'completed',
      dataset: 'pairs',
      testAccuracy: result?.testAccuracy,
    });

    await calls.ask('queue/pause', { paused: true });
    const broken = await start({ epochs: 1 });
    rmSync(join(dataPlaces(folder).runs, broken, 'vocab.json'));
    await calls.ask('queue/pause', { paused: false });
    const { state, error } = await ended(broken);
    await until(() => heard.length === 2);
    expect([state, heard[1]]).toEqual([
      'failed',
      expect.objectContaining({
        run: broken,
        state: 'failed',
        message: `Run ${broken} has failed: ${error?.message}`,
      }),
    ]);
  });

  it('whose receiver is not there, or never answers, costs a run nothing, and its secret is told nowhere', async () => {
    const notices = () =>
      calls.events.filter((event) => event.kind === 'notice' && event.id === 'webhook' && event.text !== '');
    await calls.ask('app/changeSettings', { webhookUrl: `${await closedOrigin()}/hook/${SECRET}` });
    const run = await start({ epochs: 1 });
    expect((await ended(run)).state).toBe('completed');
    await until(() => notices().length === 1);
    // One that takes the message and says nothing holds up neither the next run nor the end of the studio.
    const { origin, requests } = await loopbackServer(() => {});
    await calls.ask('app/changeSettings', { webhookUrl: `${origin}/hook/${SECRET}` });
    const [one, two] = [await start({ epochs: 1 }), await start({ epochs: 1 })];
    expect((await ended(one)).state).toBe('completed');
    expect((await ended(two)).state).toBe('completed');
    await until(() => requests.length === 2);

    expect(JSON.stringify(notices())).not.toContain(SECRET);
    for (const id of [run, one, two])
      expect(JSON.stringify((await calls.ask('runs/log', { run: id })).lines)).not.toContain(SECRET);
    await calls.ask('app/changeSettings', { webhookUrl: null });
    await studio.close();
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const telling = files
      .map(({ parentPath, name }) => join(parentPath, name))
      // Its settings are the one place where it belongs.
      .filter((path) => !/studio\.db/.test(path) && readFileSync(path).includes(SECRET));
    expect(telling).toEqual([]);
  });
});
