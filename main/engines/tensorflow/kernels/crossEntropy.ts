/** @file Node. EntailCrossEntropy on TensorFlow: one kernel gives losses [P] and probabilities minus targets [P, C]. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowOps } from '../ops.ts';

export function crossEntropy(
  ops: TensorflowOps,
  { logits }: { readonly logits: tf.Tensor2D },
  { labels }: { readonly labels: Int32Array },
): tf.Tensor[] {
  const types = [ops.type('T', 'float'), ops.type('Tlabels', 'int32')];
  const labelTensor = tf.tensor1d(labels, 'int32');
  const outputs = ops.many('SparseSoftmaxCrossEntropyWithLogits', types, [logits, labelTensor], 2);
  labelTensor.dispose();
  return outputs;
}
