/** @file Node. EntailAddKeepingRest on TensorFlow: sum + more, and what that rounds away, as plain operations. */
import * as tf from '@tensorflow/tfjs-core';

interface SumInputs {
  readonly sum: tf.Tensor;
  readonly rest?: tf.Tensor;
  /** All of one shape. */
  readonly more: tf.Tensor;
}

/** -> sum + more, rest + what rounding takes from it: Knuth's two-sum, six additions, whichever of both is larger. */
export function addKeepingRest({ sum, rest, more }: SumInputs): tf.Tensor[] {
  const total = tf.add(sum, more);
  const lost = tf.tidy(() => {
    const added = tf.sub(total, sum);
    const ofSum = tf.sub(sum, tf.sub(total, added));
    const ofMore = tf.sub(more, added);
    const ofBoth = tf.add(ofSum, ofMore);
    return rest === undefined ? ofBoth : tf.add(rest, ofBoth);
  });
  return [total, lost];
}
