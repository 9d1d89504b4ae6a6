/** @file Runs in the training worker. Gradients of micro-batches added up, and the one optimizer step made of them. */
import * as tf from '@tensorflow/tfjs-core';
import { type DistinctIds, distinctIds, type SparseGradient } from '../model/adam.ts';
import { addKeepingRest, type KeptSum, rounded } from '../model/kernels/addKeepingRest.ts';
import { gradientNorm } from '../model/kernels/gradientNorm.ts';
import { sumRows } from '../model/kernels/rows.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { type ParameterShape, TOKEN_TABLE } from '../model/parameters.ts';
import type { Optimizer } from './optimizer.ts';
import type { GradientExchange } from './parallel/gradientExchange.ts';
import { sumTensors } from './parallel/sumTensors.ts';

/** Gradients of one micro-batch; `GradientSum` takes the tensors over. */
export interface PartialGradients {
  readonly dense: ReadonlyMap<string, tf.Tensor>;
  readonly tokenRows: { readonly ids: Int32Array; readonly gradient: tf.Tensor2D } | null;
}

/**
 * Sums in the order of the plan, so that they are the same every time. Where the engine can (`addKeepingRest`), the sum of
 * micro-batches is rounded once, so that other shares of the plan give nearly the same.
 */
export class GradientSum {
  readonly #distinct: DistinctIds;
  readonly #dense = new Map<string, KeptSum>();
  #table: tf.Tensor2D | null = null;

  /** All micro-batches of an optimizer batch: their distinct ids are the rows of the token table that have a gradient. */
  constructor(microBatches: readonly PackedBatch[]) {
    this.#distinct = distinctIds(concatenated(microBatches));
  }

  add({ dense, tokenRows }: PartialGradients): void {
    for (const [name, gradient] of dense) {
      const sum = this.#dense.get(name);
      this.#dense.set(name, sum === undefined ? unrounded(gradient) : addKeepingRest(sum, gradient));
    }
    if (tokenRows === null) return;
    const { ids, gradient } = tokenRows;
    const rows = tf.tidy(() => sumRows(gradient, this.#distinct.placesOf(ids), this.#distinct.ids.length));
    gradient.dispose();
    this.#table = added(this.#table, rows);
  }

  /**
   * Adds what the other workers of the run have, and so everybody has the same; of the token table, rows only. `figures`,
   * [count], or null where this worker had no micro-batch, are added up too. Takes them over. `shapes`: of what is trained.
   */
  async addOthers(
    exchange: GradientExchange,
    { figures, count }: { readonly figures: tf.Tensor1D | null; readonly count: number },
    { shapes, waiting }: { readonly shapes: readonly ParameterShape[]; readonly waiting: () => void },
  ): Promise<tf.Tensor1D> {
    const dense = shapes.filter(({ name }) => name !== TOKEN_TABLE);
    const tables = shapes.filter(({ name }) => name === TOKEN_TABLE);
    const rows = this.#distinct.ids.length;
    const own = this.#rounded();
    const summands = [
      { tensor: figures, shape: [count] },
      ...dense.map(({ name, shape }) => ({ tensor: own.get(name) ?? null, shape })),
      ...tables.map(({ shape: [, width] }) => ({ tensor: this.#table, shape: [rows, width!] })),
    ];
    this.#table = null;
    this.#dense.clear();
    const [summedFigures, ...sums] = await sumTensors(exchange, summands, waiting);
    for (const [at, { name }] of dense.entries()) {
      const sum = sums[at]!;
      if (sum !== null) this.#dense.set(name, unrounded(sum));
    }
    if (tables.length > 0) this.#table = sums.at(-1) as tf.Tensor2D | null;
    return summedFigures as tf.Tensor1D;
  }

  /** The norm of everything that was added, a scalar. */
  norm(): tf.Scalar {
    return gradientNorm(this.#all());
  }

  /** Steps, and frees the sums. `scale` is a scalar that every gradient is multiplied by. */
  apply(
    optimizer: Optimizer,
    { scale, lr, step }: { scale: tf.Tensor | null; lr: number; step: number },
  ): void {
    const updates = new Map<string, tf.Tensor | SparseGradient>(this.#rounded());
    if (this.#table !== null) updates.set(TOKEN_TABLE, { ids: this.#distinct.ids, rows: this.#table });
    optimizer.update(updates, { lr, step, scale });
    tf.dispose(this.#all());
  }

  #all(): tf.Tensor[] {
    return [...this.#rounded().values(), ...(this.#table === null ? [] : [this.#table])];
  }

  /** Kept, as whoever asks for the norm may tidy up. Nothing is added after this. */
  #rounded(): Map<string, tf.Tensor> {
    for (const [name, sum] of this.#dense) this.#dense.set(name, unrounded(tf.keep(rounded(sum))));
    return new Map([...this.#dense].map(([name, { value }]) => [name, value]));
  }
}

const unrounded = (value: tf.Tensor): KeptSum => ({ value, rest: null });

/** Takes both over. */
export function added<T extends tf.Tensor>(sum: T | null, more: T): T {
  if (sum === null) return more;
  const result = tf.add(sum, more) as T;
  tf.dispose([sum, more]);
  return result;
}

/** min(1, clip / norm) of a norm [1], computed where the gradients are: nothing waits for JavaScript. */
export function clippingFactor(norm: tf.Tensor, clipNorm: number): tf.Tensor {
  return tf.tidy(() => tf.minimum(1, tf.div(clipNorm, tf.add(norm, 1e-6))));
}

function concatenated(microBatches: readonly PackedBatch[]): Int32Array {
  const ids = new Int32Array(microBatches.reduce((sum, batch) => sum + batch.rows, 0));
  let row = 0;
  for (const batch of microBatches) {
    ids.set(batch.ids, row);
    row += batch.rows;
  }
  return ids;
}
