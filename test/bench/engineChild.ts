/** @file Benchmarks. Measures one engine in a process of its own and prints one JSON line. Started by `measure.ts`. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { planMicroBatches } from '../../main/data/batches.ts';
import type { EncodedSplit } from '../../main/data/encoding.ts';
import { NativeBackend } from '../../main/engines/native/backend.ts';
import type { Precision } from '../../main/engines/native/binding.ts';
import { openEngine } from '../../main/engines/registry.ts';
import { predictLogits } from '../../main/model/classifier.ts';
import { elementCount, initialValues, type ParameterShape } from '../../main/model/parameters.ts';
import { ClassifierTask } from '../../main/training/classifierTask.ts';
import { evaluationTokensOf, microBatchTokensOf } from '../../main/training/microBatchSize.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { watchOps } from '../support/watchedOps.ts';
import { bookHyperparameters } from './models.ts';
import { pairsOfFile } from './works.ts';

export interface EngineRequest {
  readonly engine: EngineName;
  readonly dataDirectory: string;
  readonly threads: number;
  readonly precision: Precision;
  readonly model: ModelConfig;
  /** Path of a batch file. */
  readonly batch: string;
  readonly steps: number;
  readonly microBatchTokens: number | null;
  /** Measures time by kernel too, which `native` and `tensorflow` can tell. */
  readonly profile: boolean;
}

export interface EngineFigures {
  readonly threads: number;
  readonly pairsPerSecond: number;
  readonly stepMs: number;
  readonly evaluatedPairsPerSecond: number;
  /** Time to make a batch as a share of its step. */
  readonly batchingShare: number;
  /** Resident memory above that of the model's weights, Adam's moments included: as the peer counts. */
  readonly peakMegabytes: number;
  /** Milliseconds a step by kernel, and in JavaScript between kernels. */
  readonly kernels: Readonly<Record<string, number>> | null;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Measured {
  readonly stepsMs: readonly number[];
  readonly batchingMs: readonly number[];
}

async function trainSteps(
  task: ClassifierTask,
  split: EncodedSplit,
  request: EngineRequest,
  whenWarm = () => {},
): Promise<Measured> {
  const { steps, engine, model } = request;
  const everyone = Int32Array.from({ length: split.pairs }, (_, pair) => pair);
  const microBatchTokens =
    request.microBatchTokens ?? microBatchTokensOf({ microBatchTokens: 0 }, model, engine);
  const [stepsMs, batchingMs]: number[][] = [[], []];
  for (let step = 1; step <= steps + 1; step++) {
    const beganMs = performance.now();
    const plan = planMicroBatches(split, everyone, { microBatchTokens });
    const plannedMs = performance.now();
    const reading = await task.step(plan, { step, lr: 1e-4, betweenMicroBatches: async () => {} });
    await reading.data();
    reading.dispose();
    // Compiles, loads, fills pools.
    if (step === 1) {
      whenWarm();
      continue;
    }
    stepsMs!.push(performance.now() - beganMs);
    batchingMs!.push(plannedMs - beganMs);
  }
  return { stepsMs: stepsMs!, batchingMs: batchingMs! };
}

/** Milliseconds of each forward pass over all pairs. */
async function evaluate(
  task: ClassifierTask,
  split: EncodedSplit,
  request: EngineRequest,
): Promise<number[]> {
  const { steps, engine, model } = request;
  const everyone = Int32Array.from({ length: split.pairs }, (_, pair) => pair);
  const microBatchTokens = evaluationTokensOf({ microBatchTokens: 0 }, model, engine);
  const passesMs: number[] = [];
  for (let pass = 0; pass <= steps; pass++) {
    const beganMs = performance.now();
    for (const batch of planMicroBatches(split, everyone, { microBatchTokens })) {
      const logits = predictLogits(model, task, batch);
      await logits.data();
      logits.dispose();
    }
    if (pass > 0) passesMs.push(performance.now() - beganMs);
  }
  return passesMs;
}

/** Another round of steps with clocks in every kernel; they cost a little, so it is not the round that is told. */
async function profile(
  task: ClassifierTask,
  split: EncodedSplit,
  request: EngineRequest,
): Promise<Record<string, number>> {
  const timings = watchedKernels(request.engine);
  const { stepsMs } = await trainSteps(task, split, request, () => timings.clear());
  const perStep = [...timings].map(
    ([name, { calls, ms }]) => [`${name} × ${calls / request.steps}`, ms / request.steps] as const,
  );
  const inKernels = perStep.reduce((sum, [, ms]) => sum + ms, 0);
  const whole = stepsMs.reduce((sum, ms) => sum + ms, 0) / request.steps;
  return Object.fromEntries([...perStep.sort((a, b) => b[1] - a[1]), ['JavaScript', whole - inKernels]]);
}

/** Time by kernel, which goes on growing. */
function watchedKernels(engine: EngineName): Map<string, { readonly calls: number; readonly ms: number }> {
  const backend = tf.backend();
  if (engine === 'tensorflow') return watchOps(backend).ops;
  if (!(backend instanceof NativeBackend))
    throw new Error('Only native and tensorflow tell their time by kernel.');
  const timings: NonNullable<NativeBackend['timings']> = new Map();
  backend.timings = timings;
  return timings;
}

async function measure(request: EngineRequest): Promise<EngineFigures> {
  const { engine, dataDirectory, threads, precision, model } = request;
  const { record, adamVariables } = await openEngine(engine, { dataDirectory, threads, precision });
  // As late in a long training: every row of the token table has had a gradient, so that Adam leaves out none.
  const begin = (shape: ParameterShape, position: number) => ({
    value: initialValues(shape, position, 0),
    first: new Float32Array(elementCount(shape.shape)).fill(1e-8),
    second: new Float32Array(elementCount(shape.shape)).fill(1e-12),
  });
  const task = new ClassifierTask({
    config: model,
    hyperparameters: bookHyperparameters({ dropout: 0.1 }),
    ...{ classWeights: null, factory: adamVariables, begin },
  });
  const split = pairsOfFile(JSON.parse(readFileSync(request.batch, 'utf8')));
  const beforeKilobytes = process.resourceUsage().maxRSS;
  const { stepsMs, batchingMs } = await trainSteps(task, split, request);
  // PyTorch makes the moments in its first step; ours are there from the beginning.
  const momentBytes = 2 * 4 * task.shapes.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const peakMegabytes = (process.resourceUsage().maxRSS - beforeKilobytes) / 1024 + momentBytes / 2 ** 20;
  const passesMs = await evaluate(task, split, request);
  return {
    threads: record.threads,
    pairsPerSecond: (split.pairs / median(stepsMs)) * 1000,
    stepMs: median(stepsMs),
    evaluatedPairsPerSecond: (split.pairs / median(passesMs)) * 1000,
    batchingShare: median(batchingMs) / median(stepsMs),
    peakMegabytes,
    kernels: request.profile ? await profile(task, split, request) : null,
  };
}

const figures = await measure(JSON.parse(process.argv[2]!) as EngineRequest);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
