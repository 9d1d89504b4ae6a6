/** @file Runs in the training worker. Gradients of micro-batches added up, and the one optimizer step made of them. */
import * as tf from '@tensorflow/tfjs-core';
import { type DistinctIds, distinctIds, type SparseGradient } from '../model/adam.ts';
import { gradientNorm } from '../model/kernels/gradientNorm.ts';
import { sumRows } from '../model/kernels/rows.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { TOKEN_TABLE } from '../model/parameters.ts';
import type { Optimizer } from './optimizer.ts';

/** Gradients of one micro-batch; `GradientSum` takes the tensors over. */
export interface PartialGradients {
  readonly dense: ReadonlyMap<string, tf.Tensor>;
  readonly tokenRows: { readonly ids: Int32Array; readonly gradient: tf.Tensor2D } | null;
}

/** Sums in the order of the plan, so that they are the same every time. */
export class GradientSum {
  readonly #distinct: DistinctIds;
  readonly #dense = new Map<string, tf.Tensor>();
  #table: tf.Tensor2D | null = null;

  /** All micro-batches of an optimizer batch: their distinct ids are the rows of the token table that have a gradient. */
  constructor(microBatches: readonly PackedBatch[]) {
    this.#distinct = distinctIds(concatenated(microBatches));
  }

  add({ dense, tokenRows }: PartialGradients): void {
    for (const [name, gradient] of dense)
      this.#dense.set(name, added(this.#dense.get(name) ?? null, gradient));
    if (tokenRows === null) return;
    const { ids, gradient } = tokenRows;
    const rows = tf.tidy(() => sumRows(gradient, this.#distinct.placesOf(ids), this.#distinct.ids.length));
    gradient.dispose();
    this.#table = added(this.#table, rows);
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
    const updates = new Map<string, tf.Tensor | SparseGradient>(this.#dense);
    if (this.#table !== null) updates.set(TOKEN_TABLE, { ids: this.#distinct.ids, rows: this.#table });
    optimizer.update(updates, { lr, step, scale });
    tf.dispose(this.#all());
  }

  #all(): tf.Tensor[] {
    return [...this.#dense.values(), ...(this.#table === null ? [] : [this.#table])];
  }
}

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
