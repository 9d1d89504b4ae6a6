/**
 * @file Benchmarks. Trains one network on one engine in a process of its own, round by round as it is asked (answers.ts),
 * the way a run does: batches are made, figures of steps wait on the device and are read in blocks.
 */
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { planMicroBatches } from '../../../main/data/batches.ts';
import type { EncodedSplit } from '../../../main/data/encoding.ts';
import { openEngine } from '../../../main/engines/registry.ts';
import { elementCount, initialValues, type ParameterShape } from '../../../main/model/parameters.ts';
import { ClassifierTask } from '../../../main/training/classifierTask.ts';
import { microBatchTokensOf } from '../../../main/training/microBatchSize.ts';
import { type StepFigures, StepReadings } from '../../../main/training/stepReadings.ts';
import type { EngineName, Precision } from '../../../shared/engines.ts';
import { bookHyperparameters } from '../models.ts';
import type { Answer, ProfileAnswer, RoundAnswer } from './answers.ts';
import { readBatches } from './batchFile.ts';
import { clocksOf } from './clocks.ts';
import { SIZES, type SizeName } from './sizes.ts';

export interface TrainerRequest {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly size: SizeName;
  /** Path of a batch file. */
  readonly batches: string;
  /** null: as a run without the setting has them. */
  readonly microBatchTokens: number | null;
  /** The engine's choice when null. */
  readonly threads: number | null;
}

const LEARNING_RATE = 1e-4;
/** Every batch has been seen, so that everything is compiled and pools are full. */
const WARM_ROUNDS = 2;
/** As many steps as fit: single times of short kernels vary. */
const PROFILED_MS = 1500;
const MOST_PROFILED_STEPS = 200;

/** What the host did in a stretch of steps. */
interface Stretch {
  readonly steps: number;
  readonly ms: number;
  readonly batchingMs: number;
  readonly recordingMs: number;
  readonly loss: number;
}

class Trainer {
  readonly #request: TrainerRequest;
  readonly #task: ClassifierTask;
  readonly #batches: readonly EncodedSplit[];
  readonly #everyone: Int32Array;
  /** Of engines that compute beside this process; on others recording is computing. */
  readonly #keepUp: (() => Promise<void>) | null;
  #step = 0;

  constructor(request: TrainerRequest, task: ClassifierTask, keepUp: (() => Promise<void>) | null) {
    this.#request = request;
    this.#task = task;
    this.#keepUp = keepUp;
    this.#batches = readBatches(request.batches);
    this.#everyone = Int32Array.from({ length: SIZES[request.size].pairs }, (_, pair) => pair);
  }

  /** -> milliseconds of a warm step */
  async warmUp(): Promise<number> {
    await this.steps(this.#batches.length * WARM_ROUNDS);
    return (await this.steps(2)).ms / 2;
  }

  async round(stepMs: number, seconds: number): Promise<RoundAnswer> {
    const stretch = await this.steps(Math.max(2, Math.round((seconds * 1000) / stepMs)));
    return {
      ...{ kind: 'round', steps: stretch.steps, pairs: this.#everyone.length, ms: stretch.ms },
      peakMegabytes: this.#peakMegabytes(),
      batchingMs: stretch.batchingMs / stretch.steps,
      recordingMs: this.#keepUp === null ? null : stretch.recordingMs / stretch.steps,
      loss: stretch.loss,
    };
  }

  async profile(stepMs: number): Promise<ProfileAnswer> {
    const steps = Math.min(MOST_PROFILED_STEPS, Math.max(1, Math.round(PROFILED_MS / stepMs)));
    const clocks = clocksOf(tf.backend());
    const { ms } = await this.steps(steps);
    const times = [...(await clocks.read())].sort(([, one], [, other]) => other.ms - one.ms);
    return {
      kind: 'profile',
      kernels: Object.fromEntries(times.map(([name, time]) => [name, time.ms / steps])),
      starts: Object.fromEntries(times.map(([name, { starts }]) => [name, starts / steps])),
      stepMs: ms / steps,
    };
  }

  async steps(count: number): Promise<Stretch> {
    const readings = new StepReadings();
    const figures: StepFigures[] = [];
    const beganMs = performance.now();
    let [batchingMs, recordingMs, waitingMs] = [0, 0, 0];
    for (let step = 0; step < count; step++) {
      const split = this.#batches[this.#step % this.#batches.length]!;
      const atMs = performance.now();
      const plan = planMicroBatches(split, this.#everyone, { microBatchTokens: this.#microBatchTokens() });
      const plannedMs = performance.now();
      this.#step++;
      const reading = await this.#task.step(plan, {
        ...{ step: this.#step, lr: LEARNING_RATE },
        betweenMicroBatches: async () => {
          const beganMs = performance.now();
          await this.#keepUp?.();
          await nextTurn();
          waitingMs += performance.now() - beganMs;
        },
      });
      readings.add({ step: this.#step, epoch: 0, lr: LEARNING_RATE, pairs: split.pairs, reading });
      batchingMs += plannedMs - atMs;
      recordingMs += performance.now() - plannedMs;
      if (readings.isDue()) figures.push(...(await readings.take()));
    }
    figures.push(...(await readings.take()));
    const lossSum = figures.reduce((sum, { lossSum }) => sum + lossSum, 0);
    const loss = lossSum / (count * this.#everyone.length);
    recordingMs -= waitingMs;
    return { steps: count, ms: performance.now() - beganMs, batchingMs, recordingMs, loss };
  }

  #microBatchTokens(): number {
    const { microBatchTokens, size, engine } = this.#request;
    return microBatchTokens ?? microBatchTokensOf({ microBatchTokens: 0 }, SIZES[size].model, engine);
  }

  /** On a GPU what tfjs took of it, its pool included, which never shrinks; else what the process took. */
  #peakMegabytes(): number {
    const { numBytesAllocatedInGPU } = tf.memory() as tf.MemoryInfo & { numBytesAllocatedInGPU?: number };
    const bytes = numBytesAllocatedInGPU ?? process.resourceUsage().maxRSS * 1024;
    return bytes / 2 ** 20;
  }
}

async function openTrainer(request: TrainerRequest): Promise<{ trainer: Trainer; device: string }> {
  const { engine, precision, threads, size } = request;
  const { record, adamVariables, keepUp } = await openEngine(engine, {
    ...{ dataDirectory: '', precision },
    ...(threads === null ? {} : { threads }),
  });
  // As late in a long training: every row of the token table has had a gradient, so that Adam leaves out none.
  const begin = (shape: ParameterShape, position: number) => ({
    value: initialValues(shape, position, 0),
    first: new Float32Array(elementCount(shape.shape)).fill(1e-8),
    second: new Float32Array(elementCount(shape.shape)).fill(1e-12),
  });
  const task = new ClassifierTask({
    config: SIZES[size].model,
    hyperparameters: bookHyperparameters({ dropout: 0.1 }),
    ...{ classWeights: null, factory: adamVariables, begin },
  });
  return { trainer: new Trainer(request, task, keepUp ?? null), device: record.device };
}

const say = (answer: Answer) => void process.stdout.write(`${JSON.stringify(answer)}\n`);

/** Until the parent closes this process's input. */
async function serve(request: TrainerRequest): Promise<void> {
  const { trainer, device } = await openTrainer(request);
  const stepMs = await trainer.warmUp();
  say({ kind: 'ready', device, stepMs });
  for await (const line of createInterface({ input: process.stdin })) {
    const [order, seconds] = line.split(' ');
    if (order === 'profile') say(await trainer.profile(stepMs));
    else say(await trainer.round(stepMs, Number(seconds)));
  }
}

try {
  await serve(JSON.parse(process.argv[2]!) as TrainerRequest);
} catch (thrown) {
  console.error(thrown);
  say({ kind: 'failed', reason: thrown instanceof Error ? thrown.message : String(thrown) });
}
// Dawn keeps a process that holds a device.
process.stdout.write('', () => process.exit(0));
