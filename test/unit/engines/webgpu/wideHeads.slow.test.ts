/**
 * @file Tests. Attention of `webgpu` with heads wider than a tile: each stretch of 32 columns makes a program of its own, which
 * takes a driver in software long to compile.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { beforeEach, it } from 'vitest';
import { attention } from '../../../../main/model/kernels/attention.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { COMPILING_TIMEOUT_MS, dropout, expectSame, layoutOf, random } from '../../../support/fusedWork.ts';
import { Inputs } from '../../../support/onEngine.ts';

beforeEach(({ skip }) => void engineForTests('webgpu', skip));

it.each([
  { heads: 2, width: 128, lengths: [40, 3] },
  { heads: 3, width: 66, lengths: [7, 33] },
  { heads: 1, width: 129, lengths: [2, 35] },
])('$heads heads of $width', { timeout: COMPILING_TIMEOUT_MS }, async ({ heads, width, lengths }) => {
  const layout = layoutOf(lengths);
  const inputs = new Inputs(width);
  const tensors = ['q', 'k', 'v'].map(() => random(inputs, layout.rows, heads * width));
  for (const drops of [null, dropout(width)]) {
    const forward = (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) =>
      attention(q, k, v, { heads, layout, dropout: drops, place: 4 });
    await expectSame({ tensors, forward }, width, 'webgpu');
  }
});
