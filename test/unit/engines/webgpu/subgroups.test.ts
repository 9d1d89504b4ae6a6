/**
 * @file Tests. Sums by subgroups: tried on the adapter before they are used, valid for every size that kernels know, and the
 * same sums as without.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../main/engines/registry.ts';
import { loadDawn } from '../../../../main/engines/webgpu/dawn.ts';
import { programsOf } from '../../../../main/engines/webgpu/dispatch.ts';
import { attentionProgram } from '../../../../main/engines/webgpu/kernels/attentionPrograms.ts';
import { countSum, narrowCount, wideCount } from '../../../../main/engines/webgpu/kernels/countCorrect.ts';
import { wideCrossEntropy } from '../../../../main/engines/webgpu/kernels/crossEntropy.ts';
import { rootOf, squaresOf } from '../../../../main/engines/webgpu/kernels/gradientNorm.ts';
import {
  foursOf,
  normGradientProgram,
  normProgram,
} from '../../../../main/engines/webgpu/kernels/normPrograms.ts';
import {
  pooledAttentionProgram,
  pooledSlopesProgram,
} from '../../../../main/engines/webgpu/kernels/pooledAttentionPrograms.ts';
import { KERNEL_SUBGROUP_SIZES } from '../../../../main/engines/webgpu/kernels/subgroupSums.ts';
import { type Program, wgslOf } from '../../../../main/engines/webgpu/program.ts';
import { provenSubgroupSize } from '../../../../main/engines/webgpu/subgroups.ts';
import { addDropoutNorm } from '../../../../main/model/kernels/addDropoutNorm.ts';
import { attention } from '../../../../main/model/kernels/attention.ts';
import { countCorrect, crossEntropy } from '../../../../main/model/kernels/crossEntropy.ts';
import { gradientNorm } from '../../../../main/model/kernels/gradientNorm.ts';
import { pooledAttention } from '../../../../main/model/kernels/pooledAttention.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import {
  COMPILING_TIMEOUT_MS,
  dropout,
  expectNear,
  layoutOf,
  passOver,
  random,
} from '../../../support/fusedWork.ts';
import { Inputs, type Values, valuesOn } from '../../../support/onEngine.ts';

const backendHere = () => tf.backend() as WebGPUBackend;

/** With the engine's own subgroups, or with none. */
async function valuesWith(subgroups: boolean, make: () => tf.Tensor[]): Promise<Values> {
  const programs = programsOf(backendHere());
  const own = programs.subgroupSize;
  if (!subgroups) programs.subgroupSize = 0;
  try {
    const tensors = tf.tidy(make);
    const values = await Promise.all(tensors.map(async (tensor) => (await tensor.data()) as Float32Array));
    tf.dispose(tensors);
    return values;
  } finally {
    programs.subgroupSize = own;
  }
}

describe('on the adapter of tests', { timeout: COMPILING_TIMEOUT_MS }, () => {
  it('subgroups are tried and used, and norms and sums come out the same without', async ({ skip }) => {
    const dataDirectory = engineForTests('webgpu', skip);
    const inputs = new Inputs(3);
    const layout = layoutOf([5, 1, 37, 12]);
    const width = 201;
    const tensors = [
      ...[random(inputs, layout.rows, width), random(inputs, layout.rows, width)],
      ...[random(inputs, width), random(inputs, width)],
    ];
    const options = { layout, dropout: dropout(3), place: 1 };
    const forward = (a: tf.Tensor2D, b: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) =>
      addDropoutNorm(a, b, { gamma, beta, eps: 1e-5 }, options);
    const norms = () => passOver({ tensors, forward }, 3);
    const sums = () => [gradientNorm(tensors.map(({ values, shape }) => tf.tensor(values, [...shape])))];
    const expected = [...(await valuesOn('cpu', norms)), ...(await valuesOn('cpu', sums))];

    await openEngine('webgpu', { dataDirectory });
    expect(KERNEL_SUBGROUP_SIZES).toContain(programsOf(backendHere()).subgroupSize);
    for (const subgroups of [true, false])
      expectNear([...(await valuesWith(subgroups, norms)), ...(await valuesWith(subgroups, sums))], expected);
  });

  it('attention, losses and hits come out the same without', async ({ skip }) => {
    const dataDirectory = engineForTests('webgpu', skip);
    const inputs = new Inputs(4);
    const layout = layoutOf([5, 1, 37, 33]);
    const options = { heads: 2, layout, dropout: dropout(3), place: 1 };
    const attended = {
      tensors: [0, 1, 2].map(() => random(inputs, layout.rows, 32)),
      forward: (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) => attention(q, k, v, options),
    };
    const pooled = {
      tensors: [random(inputs, layout.rows, 32), random(inputs, 4, 2, 32)],
      forward: (x: tf.Tensor2D, query: tf.Tensor3D) => pooledAttention(x, query, { ...options, scale: 0.25 }),
    };
    const ids = inputs.whole(20, 700);
    const plain = { classWeights: null, labelSmoothing: 0 };
    const losses = {
      tensors: [random(inputs, 20, 700)],
      forward: (logits: tf.Tensor2D) => crossEntropy(logits, ids, plain),
    };
    const logits = () => tf.tensor2d(losses.tensors[0]!.values, [20, 700]);
    const likeliest = Int32Array.from({ length: 20 }, (_, row) => {
      const of = losses.tensors[0]!.values.subarray(row * 700, (row + 1) * 700);
      return row % 3 === 0 ? of.indexOf(Math.max(...of)) : 1;
    });
    const narrow = () => tf.slice(logits(), [0, 0], [20, 3]) as tf.Tensor2D;
    const work = () => [
      ...[attended, pooled, losses].flatMap((one) => passOver(one, 4)),
      ...[
        countCorrect(logits(), likeliest),
        countCorrect(
          narrow(),
          ids.map((id) => id % 3),
        ),
      ],
    ];
    const expected = await valuesOn('cpu', work);
    await openEngine('webgpu', { dataDirectory });
    for (const subgroups of [true, false]) expectNear(await valuesWith(subgroups, work), expected);
  });

  it('a NaN is not lost on the way', async ({ skip }) => {
    await openEngine('webgpu', { dataDirectory: engineForTests('webgpu', skip) });
    const numbers = new Float32Array(1000);
    numbers[777] = Number.NaN;
    const norm = () => [gradientNorm([tf.tensor1d(numbers)])];
    expect(await valuesWith(true, norm)).toEqual([Float32Array.of(Number.NaN)]);
  });

  it('none are used whose size may vary, or that no kernel knows', async ({ skip }) => {
    await openEngine('webgpu', { dataDirectory: engineForTests('webgpu', skip) });
    const { device } = backendHere();
    const used = (subgroupMinSize: number, subgroupMaxSize: number) =>
      provenSubgroupSize(device, { subgroupMinSize, subgroupMaxSize });
    expect(await used(4, 64)).toBe(0);
    expect(await used(1, 1)).toBe(0);
    // The device's own are another number: the try tells.
    expect(await used(32, 32)).toBe(0);
  });
});

function programsInSubgroups(subgroupSize: number): Program[] {
  const norms = [true, false].map((adds) => ({ fours: foursOf(300), adds, subgroupSize }));
  return [
    ...(['ones', 'fours', 'halves'] as const).flatMap((packing) => [
      ...norms.flatMap((one) => [normProgram({ ...one, packing }), normGradientProgram({ ...one, packing })]),
      attentionProgram({ chunks: 2, packing, subgroupSize }),
      ...[pooledAttentionProgram({ packing, subgroupSize }), pooledSlopesProgram({ packing, subgroupSize })],
    ]),
    ...[wideCrossEntropy, narrowCount, wideCount, countSum].map((programOf) => programOf(subgroupSize)),
    ...[squaresOf({ count: 3, subgroupSize }), rootOf(subgroupSize)],
  ];
}

it('the WGSL is valid for every size, on any machine', async () => {
  const { create } = await loadDawn();
  const adapter = await create(['backend=null']).requestAdapter();
  const device = await adapter!.requestDevice({
    requiredFeatures: ['subgroups' as GPUFeatureName, 'shader-f16'],
  });
  for (const program of KERNEL_SUBGROUP_SIZES.flatMap(programsInSubgroups)) {
    const { messages } = await device.createShaderModule({ code: wgslOf(program) }).getCompilationInfo();
    const said = messages.map(({ message }) => message);
    expect(said, program.name).toEqual([]);
    expect(wgslOf(program)).toContain('subgroupShuffleXor');
  }
  device.destroy();
});
