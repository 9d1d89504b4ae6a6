/**
 * @file Tests. Attention, norms, embeddings and rows of `webgpu`, forward and backward, against their composites in plain ops
 * on `cpu`: over random shapes, with lengths of 1 and 512, one head, odd sizes and empty batches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, it } from 'vitest';
import { registerWebgpuKernels } from '../../../../main/engines/webgpu/registerKernels.ts';
import { addDropoutNorm, normDropout } from '../../../../main/model/kernels/addDropoutNorm.ts';
import { attention } from '../../../../main/model/kernels/attention.ts';
import { embeddingSum } from '../../../../main/model/kernels/embeddingSum.ts';
import { pooledAttention } from '../../../../main/model/kernels/pooledAttention.ts';
import { gatherRows, lookUp, sumRows } from '../../../../main/model/kernels/rows.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { dropout, expectNear, layoutOf, passOver, random, type Work } from '../../../support/fusedWork.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';

beforeEach(({ skip }) => {
  engineForTests('webgpu', skip);
  registerWebgpuKernels();
});

async function expectSame(work: Work, seed: number): Promise<void> {
  const expected = await valuesOn('cpu', () => passOver(work, seed));
  expectNear(await valuesOn('webgpu', () => passOver(work, seed)), expected);
}

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);

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
  { heads: 6, width: 32, lengths: [31, 32, 33, 64, 65] },
  { heads: 2, width: 128, lengths: [40, 3] },
  { heads: 1, width: 129, lengths: [2, 35] },
];

describe('attention', () => {
  it.each(ATTENTION)('$heads heads of $width, lengths $lengths', async ({ heads, width, lengths }) => {
    const layout = layoutOf(lengths);
    const hidden = heads * width;
    const inputs = new Inputs(hidden);
    const tensors = ['q', 'k', 'v'].map(() => random(inputs, layout.rows, hidden));
    for (const drops of [null, dropout(hidden)]) {
      const forward = (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) =>
        attention(q, k, v, { heads, layout, dropout: drops, place: 4 });
      await expectSame({ tensors, forward }, hidden);
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
    await expectSame({ tensors, forward }, width);
  });

  it.each(ATTENTION)('of one query a pair, lengths $lengths', async ({ heads, width, lengths }) => {
    const layout = layoutOf(lengths);
    const hidden = heads * width;
    const inputs = new Inputs(hidden + 1);
    const tensors = [random(inputs, layout.rows, hidden), random(inputs, lengths.length, heads, hidden)];
    for (const drops of [null, dropout(2)]) {
      const options = { heads, layout, dropout: drops, place: 3, scale: 1 / Math.sqrt(width) };
      const forward = (x: tf.Tensor2D, query: tf.Tensor3D) => pooledAttention(x, query, options);
      await expectSame({ tensors, forward }, hidden);
    }
  });
});

describe('normalisation', () => {
  it.each(SEEDS)('of a sum, of repeated rows, of embeddings: shapes of seed %i', async (seed) => {
    const inputs = new Inputs(seed);
    const width = 1 + inputs.below(300);
    const layout = layoutOf(Array.from({ length: 1 + inputs.below(6) }, () => 1 + inputs.below(40)));
    const norm = [random(inputs, width), random(inputs, width)];
    const x = random(inputs, layout.rows, width);
    const options = { layout, dropout: seed % 2 === 0 ? null : dropout(seed), place: 1 };
    type Sum = (x: tf.Tensor2D, residual: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor;
    const sum: Sum = (a, b, gamma, beta) => addDropoutNorm(a, b, { gamma, beta, eps: 1e-5 }, options);
    await expectSame({ tensors: [x, random(inputs, layout.rows, width), ...norm], forward: sum }, seed);

    const sources = inputs.whole(layout.rows, 5);
    const repeated: Sum = (a, b, gamma, beta) =>
      addDropoutNorm(a, b, { gamma, beta, eps: 1e-5 }, { ...options, sources });
    await expectSame({ tensors: [x, random(inputs, 5, width), ...norm], forward: repeated }, seed);

    const embedded = (a: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) =>
      normDropout(a, { gamma, beta, eps: 1e-12 }, options);
    await expectSame({ tensors: [x, ...norm], forward: embedded }, seed);
  });
});

describe('rows', () => {
  it.each(SEEDS)('are summed, gathered and looked up: shapes of seed %i', async (seed) => {
    const inputs = new Inputs(seed);
    const [rows, width, words] = [inputs.below(200) + 1, inputs.below(40) + 1, inputs.below(9) + 1];
    const segments = inputs.whole(rows, 2);
    const positions = inputs.whole(rows, 12);
    const embed = (tokenRows: tf.Tensor2D, segmentTable: tf.Tensor2D, positionTable: tf.Tensor3D) =>
      embeddingSum(tokenRows, segmentTable, positionTable, {
        ...{ ids: segments, segments, positions, sources: null },
      });
    const tables = [random(inputs, rows, width), random(inputs, 2, width), random(inputs, 1, 12, width)];
    await expectSame({ tensors: tables, forward: embed }, seed);

    const targets = inputs.whole(rows, words);
    const some = random(inputs, words, width);
    await expectSame({ tensors: [some], forward: (table: tf.Tensor2D) => lookUp(table, targets) }, seed);

    const firsts = Int32Array.from({ length: words }, (_, word) => targets.indexOf(word) >>> 0).map((row) =>
      row < rows && row >= 0 ? row : rows,
    );
    const gathered = () => {
      const x = tf.tensor2d(tables[0]!.values, [rows, width]);
      return [sumRows(x, targets, words), gatherRows(x, firsts, new Int32Array(rows).fill(words))];
    };
    expectNear(await valuesOn('webgpu', gathered), await valuesOn('cpu', gathered));
  });
});
