/** @file Runs in training workers. Tensors of all workers of a run, added up. */
import * as tf from '@tensorflow/tfjs-core';
import type { GradientExchange } from './gradientExchange.ts';

/** A tensor of this worker, or null where it has none: its shape is known to all. */
export interface Summand {
  readonly tensor: tf.Tensor | null;
  readonly shape: readonly number[];
}

/** Takes the tensors over. -> sums over all ranks, in the order of summands; null where no rank has one. */
export async function sumTensors(
  exchange: GradientExchange,
  summands: readonly Summand[],
  waiting: () => void,
): Promise<(tf.Tensor | null)[]> {
  const present = Float32Array.from(summands, ({ tensor }) => (tensor === null ? 0 : 1));
  const values = await Promise.all(
    summands.map(async ({ tensor, shape }) =>
      tensor === null
        ? new Float32Array(tf.util.sizeFromShape([...shape]))
        : ((await tensor.data()) as Float32Array),
    ),
  );
  tf.dispose(summands.flatMap(({ tensor }) => tensor ?? []));
  await exchange.sum([present, ...values], waiting);
  return summands.map(({ shape }, at) => (present[at]! > 0 ? tf.tensor(values[at]!, [...shape]) : null));
}
