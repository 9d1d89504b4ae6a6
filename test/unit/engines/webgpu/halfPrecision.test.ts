/**
 * @file Tests. Programs in half precision: their WGSL is right on any machine, since Dawn checks it without a GPU; what
 * they compute is tested where the adapter has half precision, and skipped by name where it has not.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadDawn } from '../../../../main/engines/webgpu/dawn.ts';
import { addHalvesProgram } from '../../../../main/engines/webgpu/kernels/addHalves.ts';
import {
  attentionKeyGradientProgram,
  attentionProgram,
  attentionQueryGradientProgram,
  attentionTermsProgram,
} from '../../../../main/engines/webgpu/kernels/attentionPrograms.ts';
import { normGradientProgram, normProgram } from '../../../../main/engines/webgpu/kernels/normPrograms.ts';
import {
  pooledAttentionProgram,
  pooledRowsProgram,
  pooledSlopesProgram,
} from '../../../../main/engines/webgpu/kernels/pooledAttentionPrograms.ts';
import {
  type ProductVariant,
  productProgram,
} from '../../../../main/engines/webgpu/kernels/productProgram.ts';
import { TILES } from '../../../../main/engines/webgpu/kernels/productTiles.ts';
import { type Program, wgslOf } from '../../../../main/engines/webgpu/program.ts';
import { choosePrecision } from '../../../../main/engines/webgpu/registerKernels.ts';
import { relativeDistance } from '../../../../main/golden/comparison.ts';
import { addDropoutNorm, normDropout } from '../../../../main/model/kernels/addDropoutNorm.ts';
import { attention } from '../../../../main/model/kernels/attention.ts';
import { embeddingSum } from '../../../../main/model/kernels/embeddingSum.ts';
import { type Activation, linear } from '../../../../main/model/kernels/linear.ts';
import { pooledAttention } from '../../../../main/model/kernels/pooledAttention.ts';
import { projections } from '../../../../main/model/kernels/projections.ts';
import { gatherRows, lookUp } from '../../../../main/model/kernels/rows.ts';
import {
  COMPILING_TIMEOUT_MS,
  dropout,
  layoutOf,
  passOver,
  random,
  type Work,
} from '../../../support/fusedWork.ts';
import {
  backendHere,
  halfPrecisionForTests,
  hasHalfPrecision,
  valuesInHalf,
} from '../../../support/halfPrecisionHere.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';

/** Half precision has 11 bits: 5e-4 of each number that is stored, a few of them one after another. */
const CLOSE = 4e-3;

const RESULTS: readonly ProductVariant['result'][] = [
  { kind: 'store' },
  { kind: 'columns' },
  { kind: 'linear', activation: 'gelu', before: true },
];

function products(): Program[] {
  return TILES.flatMap((tile) =>
    RESULTS.flatMap((result) =>
      (['ones', 'halves'] as const).flatMap((packing) =>
        [true, false].map((transposed) =>
          productProgram({
            ...{ packing, transposeA: transposed, transposeB: !transposed },
            ...{ buffers: { a: 1, b: 1, c: 1 }, adds: false, tile, isFine: packing === 'halves' },
            ...{ isGradient: result.kind !== 'linear', storesSingle: result.kind === 'columns' },
            ...{ precision: 'fp16', result },
          }),
        ),
      ),
    ),
  );
}

function others(): Program[] {
  const packing = 'halves';
  const ofHeads = { chunks: 2, packing, subgroupSize: 0 } as const;
  const pooled = { packing, subgroupSize: 0 } as const;
  const ofNorms = { fours: 2, packing, subgroupSize: 0 } as const;
  return [
    ...[attentionProgram(ofHeads), attentionTermsProgram({ packing }), addHalvesProgram],
    ...[attentionQueryGradientProgram(ofHeads), attentionKeyGradientProgram(ofHeads)],
    ...[pooledAttentionProgram(pooled), pooledSlopesProgram(pooled), pooledRowsProgram({ packing })],
    ...[true, false].flatMap((adds) => [
      normProgram({ ...ofNorms, adds }),
      normGradientProgram({ ...ofNorms, adds }),
    ]),
  ];
}

describe('on any machine', () => {
  it('the WGSL of every variant is valid', async () => {
    const { create } = await loadDawn();
    const adapter = await create(['backend=null']).requestAdapter();
    const device = await adapter!.requestDevice({ requiredFeatures: ['shader-f16'] });
    for (const program of [...products(), ...others()]) {
      const code = wgslOf(program);
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
      const said = messages.map(({ message }) => message);
      expect(said, program.name).toEqual([]);
      expect(code).toContain('enable f16;');
    }
    device.destroy();
  });
});

it('is refused where the device has none', async ({ skip }) => {
  if (await hasHalfPrecision(skip)) skip('this adapter has half precision (shader-f16)');
  expect(() => choosePrecision(backendHere(), 'fp16')).toThrow('no half precision (shader-f16)');
});

describe('on this adapter, near single precision', { timeout: COMPILING_TIMEOUT_MS }, () => {
  beforeEach(async ({ skip }) => await halfPrecisionForTests(skip));
  afterEach(() => choosePrecision(backendHere(), 'fp32'));

  async function expectNearSingle(work: Work, seed = 1): Promise<void> {
    const expected = await valuesOn('cpu', () => passOver(work, seed));
    const actual = await valuesInHalf(() => passOver(work, seed));
    for (const [at, values] of expected.entries())
      expect(relativeDistance(actual[at]!, values), `output ${at}`).toBeLessThan(CLOSE);
  }

  it.for<Activation>(['none', 'relu', 'gelu'])('products: %s', async (activation) => {
    const inputs = new Inputs(1);
    // Far from 0: where rounding turns a sign, ReLU has another gradient, and both are right.
    const bias = Float32Array.from({ length: 48 }, (_, at) => (at % 2 === 0 ? 60 : -60));
    const tensors = [
      ...[random(inputs, 600, 64), random(inputs, 48, 64)],
      activation === 'relu' ? { values: bias, shape: [48] } : random(inputs, 48),
    ];
    const forward = (x: tf.Tensor2D, weight: tf.Tensor2D, added: tf.Tensor1D) =>
      linear(x, { weight, bias: added }, activation);
    await expectNearSingle({ tensors, forward });
  });

  it.for([16, 9])('three projections of one input, heads of %i, and attention', async (width) => {
    const inputs = new Inputs(2);
    const layout = layoutOf([26, 1, 40]);
    const hidden = 2 * width;
    const weights = [0, 1, 2].map(() => random(inputs, hidden, hidden));
    const layers = [...weights, random(inputs, hidden), random(inputs, hidden)];
    const forward = (x: tf.Tensor2D, ...given: tf.Tensor[]) => {
      const [ofQueries, ofKeys, ofValues] = given.slice(0, 3).map((weight) => weight.mul(0.1) as tf.Tensor2D);
      const [queryBias, valueBias] = given.slice(3) as tf.Tensor1D[];
      const [q, k, v] = projections(x, [
        { weight: ofQueries!, bias: queryBias! },
        // The gradient of the keys' bias is 0, and what rounding makes of it near nothing.
        { weight: ofKeys!, bias: tf.zeros([hidden]) },
        { weight: ofValues!, bias: valueBias! },
      ]);
      return attention(q, k, v, { heads: 2, layout, dropout: dropout(1), place: 4 });
    };
    await expectNearSingle({ tensors: [random(inputs, layout.rows, hidden), ...layers], forward });
  });

  it('attention of rows that repeat, and of one query a pair', async () => {
    const inputs = new Inputs(3);
    const layout = layoutOf([31, 33, 2]);
    const sources = inputs.whole(layout.rows, 20);
    const repeated = (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) =>
      attention(q, k, v, { heads: 2, layout, dropout: null, place: 0, sources });
    await expectNearSingle({ tensors: [0, 1, 2].map(() => random(inputs, 20, 32)), forward: repeated });

    const options = { heads: 2, layout, dropout: dropout(2), place: 3, scale: 0.25 };
    const pooled = (x: tf.Tensor2D, query: tf.Tensor3D) => pooledAttention(x, query, options);
    await expectNearSingle({
      tensors: [random(inputs, layout.rows, 32), random(inputs, 3, 2, 32)],
      forward: pooled,
    });
  });

  it('norms, with a residual and without', async () => {
    const inputs = new Inputs(4);
    const layout = layoutOf([5, 1, 37, 12]);
    const [x, residual] = [random(inputs, layout.rows, 200), random(inputs, layout.rows, 200)];
    const norm = [random(inputs, 200), random(inputs, 200)];
    const options = { layout, dropout: dropout(3), place: 1 };
    const sum = (a: tf.Tensor2D, b: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) =>
      addDropoutNorm(a, b, { gamma, beta, eps: 1e-5 }, options);
    await expectNearSingle({ tensors: [x, residual, ...norm], forward: sum });
    const alone = (a: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) =>
      normDropout(a, { gamma, beta, eps: 1e-12 }, options);
    await expectNearSingle({ tensors: [x, ...norm], forward: alone });
  });

  it('rows that are embedded, looked up and gathered', async () => {
    const inputs = new Inputs(5);
    const [segments, positions] = [inputs.whole(60, 2), inputs.whole(60, 12)];
    const targets = inputs.whole(90, 60);
    const some = Int32Array.from({ length: 30 }, (_, row) => row * 3);
    const back = Int32Array.from({ length: 90 }, (_, row) => (row % 3 === 0 ? row / 3 : 30));
    const forward = (tokenRows: tf.Tensor2D, segmentTable: tf.Tensor2D, positionTable: tf.Tensor3D) => {
      const rows = { ids: segments, segments, positions, sources: null };
      const all = lookUp(embeddingSum(tokenRows, segmentTable, positionTable, rows), targets);
      return gatherRows(all, some, back);
    };
    const tensors = [random(inputs, 60, 16), random(inputs, 2, 16), random(inputs, 1, 12, 16)];
    await expectNearSingle({ tensors, forward });
  });
});
