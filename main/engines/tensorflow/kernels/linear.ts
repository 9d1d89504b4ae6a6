/** @file Node. EntailLinear on TensorFlow: act(x·Wᵀ + b), x [R, I], W [O, I], b [O] -> [R, O]. */
import type * as tf from '@tensorflow/tfjs-core';
import type { FusedActivation } from '../../../model/kernels/linear.ts';
import type { TensorflowOps } from '../ops.ts';
import { columnSums, productOverRows } from '../overRows.ts';

interface LinearInputs {
  readonly x: tf.Tensor2D;
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

export function linear(
  ops: TensorflowOps,
  { x, weight, bias }: LinearInputs,
  { activation }: { activation: FusedActivation },
): tf.Tensor[] {
  const product = ops.product(x, weight, { b: true });
  const sum = ops.addBias(product, bias);
  product.dispose();
  if (activation === 'none') return [sum];
  const y = ops.one(activation === 'relu' ? 'Relu' : 'Tanh', [ops.type('T', 'float')], [sum]);
  sum.dispose();
  return [y];
}

interface LinearGradientInputs {
  readonly dy: tf.Tensor2D;
  readonly x: tf.Tensor2D;
  readonly weight: tf.Tensor2D;
  readonly y: tf.Tensor2D;
}

/** -> dx [R, I], dWeight [O, I], dBias [O]. tfjs' own gradient of ReLU takes ten times as long as ReluGrad. */
export function linearGradient(
  ops: TensorflowOps,
  { dy, x, weight, y }: LinearGradientInputs,
  { activation }: { activation: FusedActivation },
): tf.Tensor[] {
  const float = [ops.type('T', 'float')];
  const dz =
    activation === 'relu'
      ? (ops.one('ReluGrad', float, [dy, y]) as tf.Tensor2D)
      : activation === 'tanh'
        ? (ops.one('TanhGrad', float, [y, dy]) as tf.Tensor2D)
        : dy;
  const gradients = [ops.product(dz, weight), productOverRows(ops, dz, x), columnSums(ops, dz)];
  if (dz !== dy) dz.dispose();
  return gradients;
}
