/**
 * @file Tests. Products in half precision: their WGSL is right on any machine, since Dawn checks it without a GPU; what
 * they compute is tested where the adapter has half precision, and skipped by name where it has not.
 */

import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../../../main/engines/registry.ts';
import { loadDawn } from '../../../../main/engines/webgpu/dawn.ts';
import {
  type ProductVariant,
  productProgram,
} from '../../../../main/engines/webgpu/kernels/productProgram.ts';
import { TILES } from '../../../../main/engines/webgpu/kernels/productTiles.ts';
import { wgslOf } from '../../../../main/engines/webgpu/program.ts';
import { choosePrecision } from '../../../../main/engines/webgpu/registerKernels.ts';
import { relativeDistance } from '../../../../main/golden/comparison.ts';
import { type Activation, linear } from '../../../../main/model/kernels/linear.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { passOver, random } from '../../../support/fusedWork.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';

/** Half precision has 11 bits: 5e-4 of each factor. */
const CLOSE = 4e-3;

const RESULTS: readonly ProductVariant['result'][] = [
  { kind: 'store' },
  { kind: 'columns' },
  { kind: 'linear', activation: 'gelu', before: true },
];

describe('on any machine', () => {
  it('the WGSL of every variant is valid', async () => {
    const { create } = await loadDawn();
    const adapter = await create(['backend=null']).requestAdapter();
    const device = await adapter!.requestDevice({ requiredFeatures: ['shader-f16'] });
    for (const tile of TILES)
      for (const result of RESULTS)
        for (const fours of [true, false])
          for (const transposed of [true, false]) {
            const layout = { fours, transposeA: transposed, transposeB: !transposed };
            const buffers = { a: 1, b: 1, c: 1 };
            const program = productProgram({
              ...layout,
              ...{ buffers, adds: false, tile, isFine: fours, precision: 'fp16', result },
            });
            const { messages } = await device
              .createShaderModule({ code: wgslOf(program) })
              .getCompilationInfo();
            expect(
              messages.map(({ message }) => message),
              program.name,
            ).toEqual([]);
            expect(wgslOf(program)).toContain('enable f16;');
          }
    device.destroy();
  });
});

describe('on this adapter', () => {
  const backendHere = () => tf.backend() as WebGPUBackend;

  afterEach(() => choosePrecision(backendHere(), 'fp32'));

  async function open(skip: (reason: string) => void): Promise<boolean> {
    await openEngine('webgpu', { dataDirectory: engineForTests('webgpu', skip) });
    return backendHere().device.features.has('shader-f16');
  }

  it('is refused where the device has none', async ({ skip }) => {
    if (await open(skip)) skip('this adapter has half precision (shader-f16)');
    expect(() => choosePrecision(backendHere(), 'fp16')).toThrow('no half precision (shader-f16)');
  });

  it.for<Activation>(['none', 'relu', 'gelu'])(
    'is near single precision: %s',
    async (activation, { skip }) => {
      if (!(await open(skip))) skip('this adapter has no half precision (shader-f16)');
      const inputs = new Inputs(1);
      // Far from 0: where rounding turns a sign, ReLU has another gradient, and both are right.
      const bias = Float32Array.from({ length: 48 }, (_, at) => (at % 2 === 0 ? 60 : -60));
      const tensors = [
        ...[random(inputs, 600, 64), random(inputs, 48, 64)],
        activation === 'relu' ? { values: bias, shape: [48] } : random(inputs, 48),
      ];
      const forward = (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D) =>
        linear(x, { weight, bias }, activation);
      const expected = await valuesOn('cpu', () => passOver({ tensors, forward }, 1));
      const actual = await valuesOn('webgpu', () => {
        choosePrecision(backendHere(), 'fp16');
        return passOver({ tensors, forward }, 1);
      });
      for (const [at, values] of expected.entries())
        expect(relativeDistance(actual[at]!, values)).toBeLessThan(CLOSE);
    },
  );
});
