/**
 * @file Runs in the training worker. A probe: some real steps of a configuration on its real data, then some evaluated
 * batches; measured and thrown away. What a run will take is measured, not guessed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { epochOrder, planMicroBatches, stepsPerEpoch } from '../data/batches.ts';
import { openCache } from '../data/cache.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import { openEngine } from '../engines/registry.ts';
import { classWeightsOf, firstWeights } from './beginning.ts';
import { ClassifierTask } from './classifierTask.ts';
import { probabilitiesOf } from './evaluation.ts';
import type { ProbeFigures, TrainingJob } from './jobs.ts';
import { evaluationTokensOf, microBatchTokensOf } from './microBatchSize.ts';
import { encodedSplits } from './trainingData.ts';

/** The first step compiles, loads and warms; the measured ones follow until there are enough or time is up. */
const STEPS = 5;
const LONG_ENOUGH_SECONDS = 8;
const EVALUATED_PAIRS = 512;

/** Reports the share done; nothing is written anywhere. */
export async function runProbe(
  job: TrainingJob,
  { beat, onProgress }: { readonly beat: () => void; readonly onProgress: (fraction: number) => void },
): Promise<ProbeFigures> {
  const cache = openCache(job.cachePath, { readOnly: true });
  try {
    const tokenizer = ownTokenizer(job.runDirectory, job.config);
    const { splits } = await encodedSplits(job, beat, { cache, tokenizer });
    const threads = job.threads === null ? {} : { threads: job.threads };
    const { record, adamVariables } = await openEngine(job.engine, {
      dataDirectory: job.dataDirectory,
      ...threads,
      precision: job.config.hyperparameters.precision,
    });
    const train = splits.get('train')!;
    const task = new ClassifierTask({
      config: job.config.model,
      hyperparameters: job.config.hyperparameters,
      classWeights: classWeightsOf(job, train),
      factory: adamVariables,
      begin: firstWeights(job, () => {}),
    });
    const secondsPerStep = await measureSteps(job, task, train, { beat, onProgress });
    const evaluationSecondsPerPair = await measureEvaluation(job, task, train, beat);
    task.dispose();
    const [dev, test] = [splits.get('dev')!.pairs, splits.get('test')!.pairs];
    return {
      engine: record,
      ...{ secondsPerStep, evaluationSecondsPerPair },
      trainPairs: train.pairs,
      selectionPairs: dev > 0 ? dev : test,
      testPairs: test,
      stepsPerEpoch: stepsPerEpoch(train.pairs, job.config.hyperparameters.batchSize),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    cache.close();
  }
}

async function measureSteps(
  { config, engine }: TrainingJob,
  task: ClassifierTask,
  train: EncodedSplit,
  { beat, onProgress }: { beat: () => void; onProgress: (fraction: number) => void },
): Promise<number> {
  const { hyperparameters, model } = config;
  const { batchSize, seed, lr } = hyperparameters;
  const microBatchTokens = microBatchTokensOf(hyperparameters, model, engine);
  const order = epochOrder(train.pairs, seed, 0);
  const betweenMicroBatches = async () => {
    beat();
    await nextTurn();
  };
  const seconds: number[] = [];
  let spent = 0;
  for (let step = 0; step < STEPS && (step < 2 || spent < LONG_ENOUGH_SECONDS); step++) {
    const from = (step * batchSize) % train.pairs;
    const members = order.subarray(from, Math.min(from + batchSize, train.pairs));
    const beganMs = performance.now();
    const microBatches = planMicroBatches(train, members, { microBatchTokens });
    const reading = await task.step(microBatches, { step: step + 1, lr, betweenMicroBatches });
    // Only once its figures can be read is a step done.
    await reading.data();
    reading.dispose();
    // A shorter last batch counts by its share.
    const whole =
      ((performance.now() - beganMs) / 1000) * (Math.min(batchSize, train.pairs) / members.length);
    if (step > 0) seconds.push(whole);
    spent += whole;
    onProgress((step + 1) / (STEPS + 1));
  }
  return seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
}

async function measureEvaluation(
  { config, engine }: TrainingJob,
  task: ClassifierTask,
  train: EncodedSplit,
  beat: () => void,
): Promise<number> {
  const pairs = Math.min(EVALUATED_PAIRS, train.pairs);
  const rows = train.offsets[pairs]!;
  const some: EncodedSplit = {
    ...train,
    pairs,
    ids: train.ids.subarray(0, rows),
    offsets: train.offsets.subarray(0, pairs + 1),
    segmentStarts: train.segmentStarts.subarray(0, pairs),
    labels: train.labels.subarray(0, pairs),
  };
  const between = async () => {
    beat();
    await nextTurn();
  };
  const microBatchTokens = evaluationTokensOf(config.model, engine);
  const { seconds } = await probabilitiesOf(config.model, task, some, { microBatchTokens, between });
  return seconds / pairs;
}
