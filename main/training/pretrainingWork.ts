/** @file Runs in the training worker. Pretraining: masked words and next sentences of a stored text. */
import { SPLITS, type Split } from '../../shared/datasets.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { type EncodedText, encodeText } from '../data/pretraining/encodedText.ts';
import { maskedMicroBatches, maskedShares } from '../data/pretraining/maskedBatches.ts';
import { type DrawnPairs, drawPairs, type EpochSize, epochSize } from '../data/pretraining/sentencePairs.ts';
import { openText } from '../data/pretraining/storedText.ts';
import { Vocabulary } from '../data/vocabulary.ts';
import type { MaskedBatch } from '../model/maskedBatch.ts';
import type { TrainingJob } from './jobs.ts';
import { evaluationTokensOf, microBatchTokensOf, mostTokens } from './microBatchSize.ts';
import { shareOf } from './parallel/gradientExchange.ts';
import { evaluatePretraining, PRETRAINING_FIGURES, summarisePretraining } from './pretrainingEvaluation.ts';
import { PretrainingTask } from './pretrainingTask.ts';
import type {
  EvaluatedPlace,
  EvaluatedSplit,
  NetworkPlace,
  RunWork,
  StepPlace,
  WorkMaker,
} from './runWork.ts';

/** Runs are compared on the same validation pairs and masks, whatever their seed. */
const EVALUATION_SEED = 0;

/** A text with the words of a run. */
interface RunText {
  readonly vocabulary: Vocabulary;
  readonly splits: Readonly<Record<Split, EncodedText>>;
}

/** @throws StudioError NOT_FOUND when the text is gone, CHECKSUM_MISMATCH or BAD_FILE when it is not what was stored. */
export async function openPretraining(
  job: TrainingJob,
  tokenizer: PairTokenizer,
  beat: () => void,
): Promise<WorkMaker> {
  const vocabulary = new Vocabulary(tokenizer.toData().tokens, 'of this run');
  const text = openText(job.dataDirectory, job.config.dataset.contentHash);
  const encoded = (split: Split) => {
    const ids = encodeText(text.paragraphs(split), vocabulary);
    beat();
    return ids;
  };
  const splits = { train: encoded('train'), dev: encoded('dev'), test: encoded('test') };
  return (place) => new PretrainingWork(job, { vocabulary, splits }, place);
}

class PretrainingWork implements RunWork {
  readonly network: PretrainingTask;
  readonly pairs: Readonly<Record<Split, number>>;
  readonly truncatedPairs: number;
  readonly further = PRETRAINING_FIGURES;
  readonly #job: TrainingJob;
  readonly #text: RunText;
  readonly #engine: NetworkPlace['engine'];
  readonly #crew: NetworkPlace['crew'];
  #largest = 0;
  #epoch: { readonly epoch: number; readonly pairs: DrawnPairs } | null = null;

  constructor(job: TrainingJob, text: RunText, { engine, factory, begin, crew }: NetworkPlace) {
    const { hyperparameters, model } = job.config;
    this.#job = job;
    this.#text = text;
    this.#engine = engine;
    this.#crew = crew;
    const [train, dev, test] = SPLITS.map((split) => this.#size(split));
    this.pairs = { train: train!.pairs, dev: dev!.pairs, test: test!.pairs };
    this.truncatedPairs = train!.tooLong;
    this.network = new PretrainingTask({ config: model, hyperparameters, factory, begin });
  }

  get largestMicroBatch(): number {
    return this.#largest;
  }

  trainStep({ epoch, stepInEpoch, step, lr }: StepPlace, between: () => Promise<void>) {
    const { hyperparameters, model } = this.#job.config;
    const { batchSize, seed } = hyperparameters;
    if (this.#epoch?.epoch !== epoch) this.#epoch = { epoch, pairs: this.#draw('train', seed, epoch) };
    const begin = stepInEpoch * batchSize;
    const end = Math.min(begin + batchSize, this.pairs.train);
    const microBatchTokens = microBatchTokensOf(hyperparameters, model, this.#engine);
    const source = { text: this.#text.splits.train, vocabulary: this.#text.vocabulary };
    const options = { seed, epoch, microBatchTokens, workers: this.#crew?.exchange.ranks ?? 1 };
    const shares = maskedShares(source, this.#epoch.pairs, [begin, end], options);
    const share = shareOf(this.#crew, shares);
    this.#largest = mostTokens(shares.flat());
    return this.network.step(shares.flat(), { step, lr, betweenMicroBatches: between, share });
  }

  async evaluate(
    split: Split,
    place: EvaluatedPlace,
    { between }: { between: () => Promise<void> },
  ): Promise<EvaluatedSplit> {
    const { model, dataset } = this.#job.config;
    const batches = this.#evaluated(split, this.pairs[split]);
    const sums = await evaluatePretraining(model, this.network, batches, between);
    return summarisePretraining(sums, { split, labels: dataset.labels, ...place });
  }

  async evaluateSome(most: number, between: () => Promise<void>) {
    const pairs = Math.min(most, this.pairs.train);
    const batches = this.#evaluated('train', pairs);
    const { seconds } = await evaluatePretraining(this.#job.config.model, this.network, batches, between);
    return { pairs, seconds };
  }

  /** Micro-batches of the first pairs of a split's drawing, a batch at a time. */
  *#evaluated(split: Split, pairs: number): Iterable<MaskedBatch> {
    const { hyperparameters, model } = this.#job.config;
    const source = { text: this.#text.splits[split], vocabulary: this.#text.vocabulary };
    const drawn = this.#draw(split, EVALUATION_SEED, 0);
    const microBatchTokens = evaluationTokensOf(hyperparameters, model, this.#engine);
    const options = { seed: EVALUATION_SEED, epoch: 0, microBatchTokens };
    for (let begin = 0; begin < pairs; begin += hyperparameters.batchSize) {
      const end = Math.min(begin + hyperparameters.batchSize, pairs);
      yield* maskedMicroBatches(source, drawn, [begin, end], options);
    }
  }

  #size(split: Split): EpochSize {
    const { seed, maxLen } = this.#job.config.hyperparameters;
    return epochSize(this.#text.splits[split], { seed: split === 'train' ? seed : EVALUATION_SEED, maxLen });
  }

  #draw(split: Split, seed: number, epoch: number): DrawnPairs {
    const { maxLen } = this.#job.config.hyperparameters;
    return drawPairs(this.#text.splits[split], this.pairs[split], { seed, epoch, maxLen });
  }
}
