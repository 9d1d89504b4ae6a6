/**
 * @file Runs in the training worker. A probe: some real steps of a configuration on its real data, then some evaluated
 * batches; measured and thrown away. What a run will take is measured, not guessed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stepsPerEpoch } from '../data/batches.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import { openEngine } from '../engines/registry.ts';
import { firstWeights } from './beginning.ts';
import type { ProbeFigures, TrainingJob } from './jobs.ts';
import { openWork } from './openWork.ts';
import { configureWith, withSmallerMicroBatch } from './outOfMemory.ts';
import type { RunWork } from './runWork.ts';

/** The first step compiles, loads and warms; the measured ones follow until there are enough or time is up. */
const STEPS = 5;
const LONG_ENOUGH_SECONDS = 8;
const EVALUATED_PAIRS = 512;

interface ProbeLinks {
  readonly beat: () => void;
  /** The share done. */
  readonly onProgress: (fraction: number) => void;
  /** What a person should know of what it is measured on. */
  readonly onNotice: (text: string) => void;
}

/** Nothing is written anywhere. */
export async function runProbe(
  job: TrainingJob,
  { beat, onProgress, onNotice }: ProbeLinks,
): Promise<ProbeFigures> {
  const makeWork = await openWork(job, ownTokenizer(job.runDirectory, job.config), beat);
  const threads = job.threads === null ? {} : { threads: job.threads };
  const device = job.devices[0] === undefined ? {} : { device: job.devices[0] };
  const {
    record,
    adamVariables,
    notice = null,
  } = await openEngine(job.engine, {
    ...{ dataDirectory: job.dataDirectory, beat },
    ...threads,
    ...device,
    precision: job.config.hyperparameters.precision,
  });
  if (notice !== null) onNotice(notice);
  const work = makeWork({
    engine: record.engine,
    factory: adamVariables,
    begin: firstWeights(job, () => {}),
    crew: null,
  });
  const { secondsPerStep, evaluated } = await measure(job, work, { beat, onProgress });
  const { train, dev, test } = work.pairs;
  return {
    engine: record,
    secondsPerStep,
    evaluationSecondsPerPair: evaluated.seconds / evaluated.pairs,
    trainPairs: train,
    selectionPairs: dev > 0 ? dev : test,
    testPairs: test,
    stepsPerEpoch: stepsPerEpoch(train, job.config.hyperparameters.batchSize),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

async function measure(
  job: TrainingJob,
  work: RunWork,
  { beat, onProgress }: Pick<ProbeLinks, 'beat' | 'onProgress'>,
) {
  const between = async () => {
    beat();
    await nextTurn();
  };
  try {
    const secondsPerStep = await measureSteps(job, work, { between, onProgress });
    return { secondsPerStep, evaluated: await work.evaluateSome(EVALUATED_PAIRS, between) };
  } catch (thrown) {
    throw withSmallerMicroBatch(thrown, {
      microBatchTokens: work.largestMicroBatch,
      how: configureWith(job),
    });
  } finally {
    work.network.dispose();
  }
}

async function measureSteps(
  { config }: TrainingJob,
  work: RunWork,
  { between, onProgress }: { between: () => Promise<void>; onProgress: (fraction: number) => void },
): Promise<number> {
  const { batchSize, lr } = config.hyperparameters;
  const { train } = work.pairs;
  const perEpoch = stepsPerEpoch(train, batchSize);
  const seconds: number[] = [];
  let spent = 0;
  for (let step = 0; step < STEPS && (step < 2 || spent < LONG_ENOUGH_SECONDS); step++) {
    const stepInEpoch = step % perEpoch;
    const beganMs = performance.now();
    const reading = await work.trainStep({ epoch: 0, stepInEpoch, step: step + 1, lr }, between);
    // Only once its figures can be read is a step done.
    await reading.data();
    reading.dispose();
    // A shorter last batch counts by its share.
    const pairs = Math.min(batchSize, train - stepInEpoch * batchSize);
    const whole = ((performance.now() - beganMs) / 1000) * (Math.min(batchSize, train) / pairs);
    if (step > 0) seconds.push(whole);
    spent += whole;
    onProgress((step + 1) / (STEPS + 1));
  }
  return seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
}
