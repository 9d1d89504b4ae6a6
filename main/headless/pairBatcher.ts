/**
 * @file Runs under Node. Pairs of many requests asked together: while the model computes, those that come in gather, and
 * are its next batch. Nobody waits for company when nothing is going on.
 */
import { StudioError } from '../../shared/errors.ts';
import type { Predictor, RawPair } from '../studio/inference.ts';

/** Pairs in one call of the model. */
const MOST_PAIRS = 512;
/** Pairs that may wait; beyond it a caller is told to come back. */
const MOST_WAITING_PAIRS = 20_000;

interface Waiting {
  readonly pairs: readonly RawPair[];
  readonly answered: PromiseWithResolvers<Float32Array>;
}

export class PairBatcher {
  readonly #predictor: Pick<Predictor, 'predict' | 'labels'>;
  readonly #waiting: Waiting[] = [];
  #waitingPairs = 0;
  #running: Promise<void> | null = null;
  #batches = 0;

  constructor(predictor: Pick<Predictor, 'predict' | 'labels'>) {
    this.#predictor = predictor;
  }

  /** Calls of the model so far. */
  get batches(): number {
    return this.#batches;
  }

  /** -> probabilities, row-major [pairs, labels]. @throws StudioError TOO_LARGE when too many wait; what the model throws. */
  async ask(pairs: readonly RawPair[]): Promise<Float32Array> {
    if (this.#waitingPairs + pairs.length > MOST_WAITING_PAIRS)
      throw new StudioError('TOO_LARGE', `More than ${MOST_WAITING_PAIRS} pairs wait for an answer.`, {
        nextStep: 'Ask again in a moment.',
      });
    const answered = Promise.withResolvers<Float32Array>();
    this.#waiting.push({ pairs, answered });
    this.#waitingPairs += pairs.length;
    this.#running ??= this.#work();
    return await answered.promise;
  }

  /** Settles when nothing is asked any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #work(): Promise<void> {
    // Requests that came in together, before this turn ends, belong together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#answer(this.#nextBatch());
    this.#running = null;
  }

  /** At least one request, as many as fit. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let pairs = 0;
    while (this.#waiting.length > 0) {
      const [next] = this.#waiting;
      if (batch.length > 0 && pairs + next!.pairs.length > MOST_PAIRS) break;
      pairs += next!.pairs.length;
      batch.push(this.#waiting.shift()!);
    }
    this.#waitingPairs -= pairs;
    return batch;
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const all = await this.#predictor.predict(batch.flatMap(({ pairs }) => pairs));
      this.#batches += 1;
      let from = 0;
      for (const { pairs, answered } of batch) {
        const to = from + pairs.length * this.#predictor.labels.length;
        answered.resolve(all.slice(from, to));
        from = to;
      }
    } catch (thrown) {
      for (const { answered } of batch) answered.reject(thrown);
    }
  }
}
