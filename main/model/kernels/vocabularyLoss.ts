/**
 * @file Runs anywhere. Cross-entropy of a linear layer over a whole vocabulary. Logits of thousands of rows and tens of
 * thousands of words would fill memory three times (logits, probabilities, gradient): they are made, read and dropped
 * a piece of rows at a time, and the gradient is made in the same pass, so that nothing as large is kept for the tape.
 */
import * as tf from '@tensorflow/tfjs-core';
import { withGradientMagnitude } from '../gradientMagnitude.ts';
import { countCorrect } from './crossEntropy.ts';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';
import { type LinearWeights, logitsOf } from './linear.ts';

/** Largest number of logits at once: 64 MiB in single precision. */
const LOGITS_AT_ONCE = 2 ** 24;

export interface VocabularyLossOptions {
  /** False for evaluation: no gradient is made. */
  readonly trains: boolean;
  /** Rows at once; as many as 64 MiB of logits hold when it is not given. */
  readonly rowsAtOnce?: number;
}

export interface VocabularyLoss {
  /** Sum over all rows of -log p of the row's word; differentiable. */
  readonly loss: tf.Scalar;
  /** Rows whose word is the likeliest. Kept: the caller disposes it. */
  readonly correct: tf.Scalar;
}

/** What all pieces so far add up to: loss, number correct, and of a training step dWeight [V, H] and dBias [V]. */
type Sums = tf.Tensor[];

/** x [M, H], weight [V, H], bias [V], ids [M]: the word of each row. */
export function vocabularyLoss(
  x: tf.Tensor2D,
  { weight, bias }: LinearWeights,
  ids: Int32Array,
  options: VocabularyLossOptions,
): VocabularyLoss {
  let correct: tf.Scalar | undefined;
  const run = tf.customGrad((...given) => {
    const [xIn, weightIn, biasIn] = given as unknown as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
    const save = given.at(-1) as unknown as tf.GradSaveFunc;
    const { sums, dx } = inPieces(xIn, { weight: weightIn, bias: biasIn }, ids, options);
    const [loss, right, ...ofLayer] = sums;
    correct = tf.keep(right as tf.Scalar);
    save([...dx, ...ofLayer]);
    return {
      value: loss!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [dWeight, dBias] = saved.slice(-2) as [tf.Tensor, tf.Tensor];
        const pieces = saved.slice(0, -2) as tf.Tensor2D[];
        const whole = pieces.length === 1 ? pieces[0]! : tf.concat(pieces, 0);
        const gradients = [whole, dWeight, dBias].map((gradient) => tf.mul(gradient, dy));
        tf.dispose([...saved, dy]);
        return gradients;
      },
    };
  });
  const loss = run(x, weight, bias) as tf.Scalar;
  return { loss, correct: correct! };
}

function inPieces(
  x: tf.Tensor2D,
  weights: LinearWeights,
  ids: Int32Array,
  { trains, rowsAtOnce }: VocabularyLossOptions,
): { sums: Sums; dx: tf.Tensor2D[] } {
  const [words, width] = weights.weight.shape;
  const most = rowsAtOnce ?? Math.max(1, Math.floor(LOGITS_AT_ONCE / words));
  const dx: tf.Tensor2D[] = [];
  let sums: Sums = [];
  for (let begin = 0; begin < ids.length; begin += most) {
    const rows = Math.min(most, ids.length - begin);
    const piece = tf.tidy(() => {
      const part = rows === ids.length ? x : tf.slice(x, [begin, 0], [rows, width]);
      return ofPiece(part, weights, ids.subarray(begin, begin + rows), trains);
    });
    if (trains) dx.push(piece.shift() as tf.Tensor2D);
    if (sums.length === 0) {
      sums = piece;
      continue;
    }
    const before = sums;
    sums = before.map((sum, place) => tf.add(sum, piece[place]!));
    tf.dispose([before, piece]);
  }
  return { sums, dx };
}

/** -> of a training step dx [n, H]; summed loss, number correct; of a training step dWeight and dBias. */
function ofPiece(x: tf.Tensor2D, weights: LinearWeights, ids: Int32Array, trains: boolean): tf.Tensor[] {
  const logits = logitsOf(x, weights);
  const { loss, residuals } = lossAndResiduals(logits, ids);
  const correct = countCorrect(logits, ids);
  if (!trains) return [loss, correct];
  // These are the gradients of a sum, whatever it is divided by later.
  const [dx, dWeight, dBias] = withGradientMagnitude(1, () =>
    layerGradient(x, weights.weight, { logits, residuals }),
  );
  return [dx!, loss, correct, dWeight!, dBias!];
}

/** The summed loss, and its gradient by the logits: probabilities less 1 at the row's word, [n, V]. */
function lossAndResiduals(logits: tf.Tensor2D, ids: Int32Array): { loss: tf.Scalar; residuals: tf.Tensor2D } {
  if (hasKernel(KERNELS.crossEntropy)) {
    const [losses, residuals] = runKernel(KERNELS.crossEntropy, { logits }, { labels: ids });
    return { loss: tf.sum(losses!) as tf.Scalar, residuals: residuals as tf.Tensor2D };
  }
  // Asked for floats, tfjs' wasm kernel gives whole numbers all the same.
  const targets = tf.cast(tf.oneHot(tf.tensor1d(ids, 'int32'), logits.shape[1]), 'float32');
  const logs = tf.logSoftmax(logits);
  const loss = tf.neg(tf.sum(tf.mul(targets, logs))) as tf.Scalar;
  return { loss, residuals: tf.sub(tf.exp(logs), targets) as tf.Tensor2D };
}

function layerGradient(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  { logits, residuals: dy }: { logits: tf.Tensor2D; residuals: tf.Tensor2D },
): tf.Tensor[] {
  if (hasKernel(KERNELS.linear))
    return runKernel(KERNELS.linearGradient, { dy, x, weight, y: logits }, { activation: 'none' });
  return [tf.matMul(dy, weight), tf.matMul(dy, x, true, false), tf.sum(dy, 0)];
}
