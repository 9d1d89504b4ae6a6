/**
 * @file Tests. Attention over packed rows of the engines that have kernels of their own, forward and backward, against its
 * composite in plain ops on `cpu`: with lengths of 1 and 512, one head, odd widths and rows that repeat.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, it } from 'vitest';
import { attention } from '../../../main/model/kernels/attention.ts';
import { pooledAttention } from '../../../main/model/kernels/pooledAttention.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { COMPILING_TIMEOUT_MS, dropout, expectSame, layoutOf, random } from '../../support/fusedWork.ts';
import { Inputs } from '../../support/onEngine.ts';

interface AttentionCase {
  readonly heads: number;
  readonly width: number;
  readonly lengths: readonly number[];
}

const ATTENTION: readonly AttentionCase[] = [
  { heads: 1, width: 1, lengths: [1] },
  { heads: 1, width: 7, lengths: [3, 1, 5] },
  { heads: 2, width: 16, lengths: [1, 1, 17, 33, 2] },
  { heads: 4, width: 64, lengths: [26, 9, 40] },
  { heads: 2, width: 5, lengths: [512] },
  // Pairs about as long as a tile, and about as long as two.
  { heads: 6, width: 32, lengths: [31, 32, 33, 64, 65] },
];

describe.each(['native', 'webgpu'] as const)(
  'attention of %s',
  { timeout: COMPILING_TIMEOUT_MS },
  (engine) => {
    beforeEach(({ skip }) => void engineForTests(engine, skip));

    it.each(ATTENTION)('$heads heads of $width, lengths $lengths', async ({ heads, width, lengths }) => {
      const layout = layoutOf(lengths);
      const hidden = heads * width;
      const inputs = new Inputs(hidden);
      const tensors = ['q', 'k', 'v'].map(() => random(inputs, layout.rows, hidden));
      for (const drops of [null, dropout(hidden)]) {
        const forward = (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) =>
          attention(q, k, v, { heads, layout, dropout: drops, place: 4 });
        await expectSame({ tensors, forward }, hidden, engine);
      }
    });

    it.each(ATTENTION)('of rows that repeat, lengths $lengths', async ({ heads, width, lengths }) => {
      const layout = layoutOf(lengths);
      const stored = Math.ceil(layout.rows / 3);
      const inputs = new Inputs(width);
      const sources = inputs.whole(layout.rows, stored);
      const tensors = ['q', 'k', 'v'].map(() => random(inputs, stored, heads * width));
      const forward = (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) =>
        attention(q, k, v, { heads, layout, dropout: dropout(1), place: 0, sources });
      await expectSame({ tensors, forward }, width, engine);
    });

    it.each(ATTENTION)('of one query a pair, lengths $lengths', async ({ heads, width, lengths }) => {
      const layout = layoutOf(lengths);
      const hidden = heads * width;
      const inputs = new Inputs(hidden + 1);
      const tensors = [random(inputs, layout.rows, hidden), random(inputs, lengths.length, heads, hidden)];
      for (const drops of [null, dropout(2)]) {
        const options = { heads, layout, dropout: drops, place: 3, scale: 1 / Math.sqrt(width) };
        const forward = (x: tf.Tensor2D, query: tf.Tensor3D) => pooledAttention(x, query, options);
        await expectSame({ tensors, forward }, hidden, engine);
      }
    });
  },
);
