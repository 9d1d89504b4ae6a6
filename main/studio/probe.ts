/** @file Runs under Node. A probe as a job: a run's first steps, measured on the very data and engine, and thrown away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRequest } from '../../shared/contract/inputs.ts';
import type { ProbeResult } from '../../shared/contract/jobs.ts';
import { type DevicesWish, ONE_DEVICE } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { ProbeFigures } from '../training/jobs.ts';
import { superviseProbe } from '../training/probeSupervisor.ts';
import { engineOn } from './chosenEngine.ts';
import { holderText } from './deviceText.ts';
import type { HostContext } from './hosting.ts';
import { preparedRun } from './preparedRun.ts';
import { takeDevices } from './takenDevices.ts';
import { writeTokenizer } from './tokenizerOfRun.ts';

type ProbeSetting = Pick<HostContext, 'databases' | 'devices' | 'engines' | 'entries' | 'jobs'>;

/** @throws StudioError what is wrong with the request; LOCKED while a run trains on its device. */
export async function startProbe(context: ProbeSetting, request: RunRequest): Promise<string> {
  const { databases, jobs } = context;
  preparedRun(databases, request);
  await requireFreeDevice(context, request.engine, measuredOn(request.devices));
  return jobs.start({
    title: `Measure a run on ${request.dataset}`,
    outcome: { kind: 'probe', probe: null },
    work: async ({ signal, onProgress }) => {
      onProgress({ fraction: 0, note: 'encoding' });
      const probe = await measureRun(context, request, {
        signal,
        onProgress: (fraction) => onProgress({ fraction, note: 'training a few steps' }),
      });
      return { kind: 'probe', probe };
    },
  });
}

/** @throws StudioError LOCKED while something computes on the device of an engine (null: the best that works). */
export async function requireFreeDevice(
  { devices, engines, jobs }: ProbeSetting,
  engine: EngineName | null,
  wish = ONE_DEVICE,
): Promise<void> {
  const name = await engines.best(engine);
  const { waitsFor } = await devices.turnOf(name, wish, { sharesProcessor: false });
  const measuring = (['probe', 'testEngine', 'reportEngine'] as const).some((kind) => jobs.isRunning(kind));
  if (waitsFor.length === 0 && !measuring) return;
  const who = waitsFor.map(({ device, holder }) => ` ${device} is ${holderText(holder)}.`).join('');
  throw new StudioError(
    'LOCKED',
    `Nothing can be measured while something else computes on the same device.${who}`,
    {
      nextStep: 'Measure when it is done, or start without it.',
    },
  );
}

/** One device, of those that a run names the first: how the rest will share the work is not measured. */
function measuredOn(wish: DevicesWish): DevicesWish {
  return Array.isArray(wish) ? wish.slice(0, 1) : ONE_DEVICE;
}

/** Trains a few steps of a configuration in a child and throws them away. @throws StudioError CANCELLED, and as a run fails. */
export async function measureRun(
  { databases, devices, engines, entries }: ProbeSetting,
  request: RunRequest,
  links: { readonly signal: AbortSignal; readonly onProgress: (fraction: number) => void },
): Promise<ProbeResult> {
  const { threads } = request;
  const { config, tokenizer, encode } = preparedRun(databases, request);
  await encode({ onReports: () => {}, signal: links.signal });
  const name = await engines.choose(request.engine);
  const asked = await devices.counts(name, request.devices);
  const taking = {
    ...{ engine: name, wish: measuredOn(request.devices), waits: false, besidePrograms: false },
    purpose: 'a measurement',
  };
  const listener = { onReports: () => {} };
  const taken = await takeDevices(devices, taking, { listener, signal: links.signal });
  const folder = mkdtempSync(join(tmpdir(), 'entail-probe-'));
  try {
    writeTokenizer(folder, tokenizer);
    const engine = await engineOn(engines, { name, threads }, taken.devices);
    const figures = await superviseProbe({
      entry: entries.path('training'),
      environment: engine.environments[0] ?? {},
      job: {
        ...{ runId: 'probe', runDirectory: folder, cachePath: databases.places.cacheDatabase },
        ...{ dataDirectory: databases.places.root, config, engine: name, threads },
        ...{ devices: engine.devices, resumeFrom: null, trainedOn: null },
      },
      ...links,
      onNotice: (text) => engines.tell(text),
    });
    return { ...resultOf(figures, request), devices: asked };
  } finally {
    taken.lock.release();
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(figures: ProbeFigures, { hyperparameters }: RunRequest): Omit<ProbeResult, 'devices'> {
  const { engine, secondsPerStep, evaluationSecondsPerPair, stepsPerEpoch, selectionPairs, testPairs } =
    figures;
  const epochSeconds = stepsPerEpoch * secondsPerStep + selectionPairs * evaluationSecondsPerPair;
  return {
    engine: engine.engine,
    device: engine.device,
    threads: engine.threads,
    secondsPerStep,
    pairsPerSecond: Math.min(hyperparameters.batchSize, figures.trainPairs) / secondsPerStep,
    stepsPerEpoch,
    epochSeconds,
    totalSeconds: hyperparameters.epochs * epochSeconds + testPairs * evaluationSecondsPerPair,
    peakMemoryBytes: figures.peakMemoryBytes,
    freeMemoryBytes: freemem(),
  };
}
