/** @file Runs in the training worker. Fine-tuning: a classifier on the labelled pairs of a data set. */
import type { Split } from '../../shared/datasets.ts';
import type { MetricPoint } from '../../shared/runs.ts';
import { epochOrder, planShares } from '../data/batches.ts';
import { openCache } from '../data/cache.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { classWeightsOf } from './beginning.ts';
import { ClassifierTask } from './classifierTask.ts';
import { probabilitiesOf, summarise } from './evaluation.ts';
import type { TrainingJob } from './jobs.ts';
import { evaluationTokensOf, microBatchTokensOf, mostTokens } from './microBatchSize.ts';
import { shareOf } from './parallel/gradientExchange.ts';
import type {
  EvaluatedPlace,
  EvaluatedSplit,
  NetworkPlace,
  RunWork,
  StepPlace,
  WorkMaker,
} from './runWork.ts';
import { encodedSplits } from './trainingData.ts';

/** `beat` is called as reading the splits moves on. @throws StudioError NOT_FOUND when the data set is gone or another one. */
export async function openFineTuning(
  job: TrainingJob,
  tokenizer: PairTokenizer,
  beat: () => void,
): Promise<WorkMaker> {
  const cache = openCache(job.cachePath, { readOnly: true });
  try {
    const { splits } = await encodedSplits(job, beat, { cache, tokenizer });
    return (place) => new FineTuningWork(job, splits, place);
  } finally {
    cache.close();
  }
}

class FineTuningWork implements RunWork {
  readonly network: ClassifierTask;
  readonly pairs: Readonly<Record<Split, number>>;
  readonly truncatedPairs: number;
  readonly further = null;
  readonly #job: TrainingJob;
  readonly #splits: ReadonlyMap<Split, EncodedSplit>;
  readonly #engine: NetworkPlace['engine'];
  readonly #crew: NetworkPlace['crew'];
  #largest = 0;
  #order: { epoch: number; pairs: Int32Array } | null = null;

  constructor(job: TrainingJob, splits: ReadonlyMap<Split, EncodedSplit>, place: NetworkPlace) {
    const { engine, factory, begin, crew } = place;
    const { hyperparameters, model } = job.config;
    this.#job = job;
    this.#splits = splits;
    this.#engine = engine;
    this.#crew = crew;
    const of = (split: Split) => this.#split(split).pairs;
    this.pairs = { train: of('train'), dev: of('dev'), test: of('test') };
    this.truncatedPairs = this.#split('train').truncatedPairs;
    const classWeights = classWeightsOf(job, this.#split('train'));
    this.network = new ClassifierTask({ config: model, hyperparameters, classWeights, factory, begin });
  }

  get largestMicroBatch(): number {
    return this.#largest;
  }

  trainStep({ epoch, stepInEpoch, step, lr }: StepPlace, between: () => Promise<void>) {
    const { hyperparameters, model } = this.#job.config;
    const { batchSize, seed } = hyperparameters;
    const microBatchTokens = microBatchTokensOf(hyperparameters, model, this.#engine);
    const split = this.#split('train');
    if (this.#order?.epoch !== epoch) this.#order = { epoch, pairs: epochOrder(split.pairs, seed, epoch) };
    const members = this.#order.pairs.subarray(stepInEpoch * batchSize, (stepInEpoch + 1) * batchSize);
    const workers = this.#crew?.exchange.ranks ?? 1;
    const shares = planShares(split, members, { microBatchTokens, workers });
    const share = shareOf(this.#crew, shares);
    this.#largest = mostTokens(shares.flat());
    return this.network.step(shares.flat(), { step, lr, betweenMicroBatches: between, share });
  }

  async evaluate(
    name: Split,
    place: EvaluatedPlace,
    { keepPredictions, between }: { keepPredictions: boolean; between: () => Promise<void> },
  ): Promise<EvaluatedSplit> {
    const split = this.#split(name);
    const { hyperparameters, model, dataset } = this.#job.config;
    const evaluated = await probabilitiesOf(model, this.network, split, {
      microBatchTokens: evaluationTokensOf(hyperparameters, model, this.#engine),
      between,
    });
    const { labels } = dataset;
    const evaluation = summarise(evaluated, split.labels, { split: name, ...place, labels });
    const common = { ...place, atMs: Date.now() };
    const points = (['loss', 'accuracy', 'macroF1'] as const).map(
      (figure): MetricPoint => ({
        metric: `${name === 'train' ? 'dev' : name}/${figure}`,
        value: evaluation[figure],
        ...common,
      }),
    );
    const predictions = keepPredictions
      ? { split: name, step: place.step, classes: labels.length, probabilities: evaluated.values }
      : null;
    const { accuracy } = evaluation;
    return { accuracy, score: accuracy, points, evaluation, predictions };
  }

  async evaluateSome(most: number, between: () => Promise<void>) {
    const { hyperparameters, model } = this.#job.config;
    const train = this.#split('train');
    const pairs = Math.min(most, train.pairs);
    const some: EncodedSplit = {
      ...train,
      pairs,
      ids: train.ids.subarray(0, train.offsets[pairs]),
      offsets: train.offsets.subarray(0, pairs + 1),
      segmentStarts: train.segmentStarts.subarray(0, pairs),
      labels: train.labels.subarray(0, pairs),
    };
    const microBatchTokens = evaluationTokensOf(hyperparameters, model, this.#engine);
    const { seconds } = await probabilitiesOf(model, this.network, some, { microBatchTokens, between });
    return { pairs, seconds };
  }

  #split(name: Split): EncodedSplit {
    return this.#splits.get(name)!;
  }
}
