/** @file Tests. Fused kernels of the engines that have their own, where batches go wrong: NaN and infinity, and no rows; forward and backward. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { addDropoutNorm, normDropout } from '../../../main/model/kernels/addDropoutNorm.ts';
import { attention } from '../../../main/model/kernels/attention.ts';
import { crossEntropy } from '../../../main/model/kernels/crossEntropy.ts';
import { embeddingSum } from '../../../main/model/kernels/embeddingSum.ts';
import { gradientNorm } from '../../../main/model/kernels/gradientNorm.ts';
import { linear } from '../../../main/model/kernels/linear.ts';
import { pooledAttention } from '../../../main/model/kernels/pooledAttention.ts';
import { sumRows } from '../../../main/model/kernels/rows.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import {
  COMPILING_TIMEOUT_MS,
  dropout,
  layoutOf,
  passOver,
  random,
  type Work,
} from '../../support/fusedWork.ts';
import { Inputs, type Values, valuesOn } from '../../support/onEngine.ts';

type Three = tf.Tensor3D;
type Two = tf.Tensor2D;
type One = tf.Tensor1D;

/** [5, 8], with the value in the last pair: the composite pads with the first row. */
const poisoned = (value: number) => ({ values: new Inputs(2).normal(40).with(28, value), shape: [5, 8] });

/** Fused kernels on pairs of 3 and 2 rows, of which one number is the value. */
function poisonedWorks(value: number): Record<string, Work> {
  const inputs = new Inputs(3);
  const x = poisoned(value);
  const weight = random(inputs, 8, 8);
  const vector = { values: new Float32Array(8).fill(1), shape: [8] };
  const where = { segments: Int32Array.of(0, 0, 1, 0, 1), positions: Int32Array.of(0, 1, 2, 0, 1) };
  const options = { layout: layoutOf([3, 2]), dropout: null, place: 0 };
  return {
    linear: {
      tensors: [x, weight, vector],
      forward: (x: Two, weight: Two, bias: One) => linear(x, { weight, bias }),
    },
    attention: {
      tensors: [x, x, x],
      forward: (q: Two, k: Two, v: Two) => attention(q, k, v, { heads: 2, ...options }),
    },
    pooledAttention: {
      tensors: [x, random(inputs, 2, 2, 8)],
      forward: (x: Two, query: Three) => pooledAttention(x, query, { heads: 2, scale: 0.5, ...options }),
    },
    addDropoutNorm: {
      tensors: [x, x, vector, vector],
      forward: (x: Two, residual: Two, gamma: One, beta: One) =>
        addDropoutNorm(x, residual, { gamma, beta, eps: 1e-5 }, options),
    },
    normDropout: {
      tensors: [x, vector, vector],
      forward: (x: Two, gamma: One, beta: One) => normDropout(x, { gamma, beta, eps: 1e-5 }, options),
    },
    embeddingSum: {
      tensors: [x, random(inputs, 2, 8), random(inputs, 1, 3, 8)],
      forward: (rows: Two, segmentTable: Two, positionTable: Three) =>
        embeddingSum(rows, segmentTable, positionTable, { ids: where.segments, ...where, sources: null }),
    },
    crossEntropy: {
      tensors: [x],
      forward: (x: Two) =>
        crossEntropy(x, Int32Array.of(0, 1, 2, 3, 4), { classWeights: null, labelSmoothing: 0 }),
    },
  };
}

describe.each(['native', 'webgpu'] as const)('%s', { timeout: COMPILING_TIMEOUT_MS }, (engine) => {
  beforeEach(({ skip }) => void engineForTests(engine, skip));

  describe('NaN and infinity', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY];
    const names = Object.keys(poisonedWorks(0));
    const cases = values.flatMap((value) => names.map((name) => [value, name] as const));
    const whichAreFinite = (all: Values) => all.map((values) => Array.from(values, Number.isFinite));

    it.each(cases)('%d is not lost by %s, forward or backward', async (value, name) => {
      const work = () => passOver(poisonedWorks(value)[name]!, 1);
      const expected = whichAreFinite(await valuesOn('cpu', work));
      expect(expected.flat()).toContain(false);
      expect(whichAreFinite(await valuesOn(engine, work))).toEqual(expected);
    });

    it.each(values)('%d is not lost by sums', async (value) => {
      const read = () => {
        const rows = tf.tensor2d(poisoned(value).values, [5, 8]);
        return [gradientNorm([rows]), sumRows(rows, Int32Array.of(0, 1, 0, 1, 0), 2)];
      };
      const [norm, sums] = whichAreFinite(await valuesOn(engine, read));
      expect(norm).toEqual([false]);
      // Row 3, column 4, of those summed in row 1.
      expect(sums!.flatMap((finite, at) => (finite ? [] : [at]))).toEqual([12]);
    });
  });

  describe('an empty batch', () => {
    it('is computed like any other, forward and backward', async () => {
      const layout = layoutOf([]);
      const none = { values: new Float32Array(0), shape: [0, 8] };
      const weight = random(new Inputs(3), 8, 8);
      const vector = { values: new Float32Array(8).fill(1), shape: [8] };
      const options = { layout, dropout: dropout(1), place: 0 };
      const works: Work[] = [
        {
          tensors: [none, weight, vector],
          forward: (x: Two, weight: Two, bias: One) => linear(x, { weight, bias }, 'relu'),
        },
        {
          tensors: [none, none, none],
          forward: (q: Two, k: Two, v: Two) => attention(q, k, v, { heads: 2, ...options }),
        },
        {
          tensors: [none, none, vector, vector],
          forward: (x: Two, residual: Two, gamma: One, beta: One) =>
            addDropoutNorm(x, residual, { gamma, beta, eps: 1e-5 }, options),
        },
        {
          tensors: [none, vector, vector],
          forward: (x: Two, gamma: One, beta: One) => normDropout(x, { gamma, beta, eps: 1e-5 }, options),
        },
      ];
      for (const [at, work] of works.entries()) {
        const values = await valuesOn(engine, () => passOver(work, 1));
        const sizes = work.tensors.map(({ values }) => values.length);
        expect(
          values.slice(1).map(({ length }) => length),
          `work ${at}`,
        ).toEqual(sizes);
        for (const gradient of values.slice(1)) expect(gradient).toEqual(new Float32Array(gradient.length));
      }
      expect(await valuesOn(engine, () => [sumRows(tf.zeros([0, 8]), new Int32Array(0), 3)])).toEqual([
        new Float32Array(24),
      ]);
    });
  });
});
