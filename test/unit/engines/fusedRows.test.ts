/**
 * @file Tests. Norms, embeddings and sums of rows of the engines that have kernels of their own, forward and backward,
 * against their composites in plain ops on `cpu`: over random shapes.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, it } from 'vitest';
import { addDropoutNorm, normDropout } from '../../../main/model/kernels/addDropoutNorm.ts';
import { embeddingSum } from '../../../main/model/kernels/embeddingSum.ts';
import { gatherRows, lookUp, sumRows } from '../../../main/model/kernels/rows.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import {
  COMPILING_TIMEOUT_MS,
  dropout,
  expectNear,
  expectSame,
  layoutOf,
  random,
} from '../../support/fusedWork.ts';
import { Inputs, valuesOn } from '../../support/onEngine.ts';

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);

describe.each(['native', 'webgpu'] as const)('%s', { timeout: COMPILING_TIMEOUT_MS }, (engine) => {
  beforeEach(({ skip }) => void engineForTests(engine, skip));

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
      await expectSame(
        { tensors: [x, random(inputs, layout.rows, width), ...norm], forward: sum },
        seed,
        engine,
      );

      const sources = inputs.whole(layout.rows, 5);
      const repeated: Sum = (a, b, gamma, beta) =>
        addDropoutNorm(a, b, { gamma, beta, eps: 1e-5 }, { ...options, sources });
      await expectSame({ tensors: [x, random(inputs, 5, width), ...norm], forward: repeated }, seed, engine);

      const embedded = (a: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) =>
        normDropout(a, { gamma, beta, eps: 1e-12 }, options);
      await expectSame({ tensors: [x, ...norm], forward: embedded }, seed, engine);
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
      await expectSame({ tensors: tables, forward: embed }, seed, engine);

      const targets = inputs.whole(rows, words);
      const some = random(inputs, words, width);
      await expectSame(
        { tensors: [some], forward: (table: tf.Tensor2D) => lookUp(table, targets) },
        seed,
        engine,
      );

      const firsts = Int32Array.from({ length: words }, (_, word) => targets.indexOf(word) >>> 0).map(
        (row) => (row < rows && row >= 0 ? row : rows),
      );
      const gathered = () => {
        const x = tf.tensor2d(tables[0]!.values, [rows, width]);
        return [sumRows(x, targets, words), gatherRows(x, firsts, new Int32Array(rows).fill(words))];
      };
      expectNear(await valuesOn(engine, gathered), await valuesOn('cpu', gathered));
    });
  });
});
