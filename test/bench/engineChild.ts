/** @file Benchmarks. Measures one engine in a process of its own and prints one JSON line. Started by `measure.ts`. */
import { planMicroBatches } from '../../main/data/batches.ts';
import { openEngine } from '../../main/engines/registry.ts';
import { predictLogits } from '../../main/model/classifier.ts';
import { bookConfig } from '../../main/model/config.ts';
import { initialValues, type ParameterShape } from '../../main/model/parameters.ts';
import { ClassifierTask } from '../../main/training/classifierTask.ts';
import { microBatchTokensOf } from '../../main/training/microBatchSize.ts';
import type { EngineName } from '../../shared/engines.ts';
import { bookHyperparameters, CLASSES, randomPairs, VOCABULARY_SIZE } from './bookWork.ts';

export interface EngineRequest {
  readonly engine: EngineName;
  readonly dataDirectory: string;
  readonly threads: number;
  readonly steps: number;
  readonly microBatchTokens: number | null;
}

export interface EngineFigures {
  readonly program: string;
  readonly threads: number;
  readonly pairsPerSecond: number;
  readonly stepMs: number;
  readonly evaluatedPairsPerSecond: number;
  /** Time of an evaluated pair as a share of a trained one's. */
  readonly evaluatedShare: number;
  /** Time to make a batch as a share of its step. */
  readonly batchingShare: number;
  readonly peakMegabytes: number;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function measure(request: EngineRequest): Promise<EngineFigures> {
  const { engine, dataDirectory, threads, steps, microBatchTokens } = request;
  const { record, adamVariables } = await openEngine(engine, { dataDirectory, threads });
  const hyperparameters = bookHyperparameters(microBatchTokens === null ? {} : { microBatchTokens });
  const { batchSize } = hyperparameters;
  const config = bookConfig(hyperparameters, VOCABULARY_SIZE, CLASSES);
  const begin = (shape: ParameterShape, position: number) => ({
    value: initialValues(shape, position, 0),
    first: null,
    second: null,
  });
  const task = new ClassifierTask({
    config,
    hyperparameters,
    classWeights: null,
    factory: adamVariables,
    begin,
  });
  const split = randomPairs(batchSize * (steps + 1), 1);
  const stepsMs: number[] = [];
  const batchingMs: number[] = [];
  for (let step = 1; step <= steps + 1; step++) {
    const members = Int32Array.from({ length: batchSize }, (_, place) => (step - 1) * batchSize + place);
    const beganMs = performance.now();
    const plan = planMicroBatches(split, members, {
      microBatchTokens: microBatchTokensOf(hyperparameters, config, engine),
    });
    const plannedMs = performance.now();
    const reading = await task.step(plan, { step, lr: 1e-4, betweenMicroBatches: async () => {} });
    await reading.data();
    reading.dispose();
    stepsMs.push(performance.now() - beganMs);
    batchingMs.push(plannedMs - beganMs);
  }
  const everyone = Int32Array.from({ length: split.pairs }, (_, pair) => pair);
  const evaluationBeganMs = performance.now();
  for (const batch of planMicroBatches(split, everyone, { microBatchTokens: 8192 })) {
    const logits = predictLogits(config, task, batch);
    await logits.data();
    logits.dispose();
  }
  const evaluated = (split.pairs / (performance.now() - evaluationBeganMs)) * 1000;
  const stepMs = median(stepsMs.slice(1));
  const trained = (batchSize / stepMs) * 1000;
  return {
    program: engine,
    threads: record.threads,
    pairsPerSecond: trained,
    stepMs,
    evaluatedPairsPerSecond: evaluated,
    evaluatedShare: trained / evaluated,
    batchingShare: median(batchingMs.slice(1)) / stepMs,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
  };
}

const figures = await measure(JSON.parse(process.argv[2]!) as EngineRequest);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
