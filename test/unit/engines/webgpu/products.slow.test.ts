/** @file Tests. The programs of matrix products on `webgpu`: every tile in every layout. In software compiling takes long. */

import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../../../main/engines/registry.ts';
import { type Programs, programsOf } from '../../../../main/engines/webgpu/dispatch.ts';
import { singlePackingOf } from '../../../../main/engines/webgpu/kernels/fours.ts';
import { productProgram } from '../../../../main/engines/webgpu/kernels/productProgram.ts';
import { TILES, type Tile } from '../../../../main/engines/webgpu/kernels/productTiles.ts';
import { relativeDistance } from '../../../../main/golden/comparison.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { Inputs } from '../../../support/onEngine.ts';

let programs: Programs;

beforeEach(async ({ skip }) => {
  await openEngine('webgpu', { dataDirectory: engineForTests('webgpu', skip) });
  programs = programsOf(tf.backend() as WebGPUBackend);
});

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** In double precision. */
function expectedProduct(a: Float32Array, b: Float32Array, one: Case): Float32Array {
  const { rows, columns, inner, transposeA, transposeB } = one;
  const product = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum +=
          a[transposeA ? k * rows + row : row * inner + k]! *
          b[transposeB ? column * inner + k : k * columns + column]!;
      product[row * columns + column] = sum;
    }
  return product;
}

interface Kind {
  readonly tile: Tile;
  readonly isFine: boolean;
}

const KINDS = TILES.flatMap((tile) => [
  { tile, isFine: false },
  ...(tile.registers === 4 ? [{ tile, isFine: true }] : []),
]);

async function productOf(a: Float32Array, b: Float32Array, one: Case, kind: Kind): Promise<Float32Array> {
  const { rows, columns, inner, transposeA, transposeB } = one;
  const { tile } = kind;
  const packing = singlePackingOf(rows, columns, inner);
  const [left, right] = [tf.tensor1d(a), tf.tensor1d(b)];
  const c = programs.empty([rows, columns]);
  const program = productProgram({
    buffers: { a: 1, b: 1, c: 1 },
    ...{ ...kind, adds: false, transposeA, transposeB, packing, precision: 'fp32' },
    ...{ result: { kind: 'store' }, isGradient: false, storesSingle: true },
  });
  programs.run(program, {
    inputs: { a0: left, b0: right },
    outputs: { c0: c },
    sizes: { rows, columns, inner, pieces: 1, pieceLength: 4096, zero: 0 },
    groups: [Math.ceil(columns / tile.size), Math.ceil(rows / tile.size), 1],
  });
  const product = tf.engine().makeTensorFromTensorInfo(c);
  const values = await product.data<'float32'>();
  tf.dispose([left, right, product]);
  return values;
}

const SIZES = [
  [132, 136, 20],
  [129, 131, 17],
  [4, 4, 4],
  [1, 1, 1],
] as const;

describe.each(KINDS)('a tile of $tile.size, fine: $isFine,', (kind) => {
  it.each(SIZES)('makes [%i, %i] over %i, in every layout', async (rows, columns, inner) => {
    const inputs = new Inputs(rows);
    const [a, b] = [inputs.normal(rows * inner), inputs.normal(inner * columns)];
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) {
        const one = { rows, columns, inner, transposeA, transposeB };
        const distance = relativeDistance(await productOf(a, b, one, kind), expectedProduct(a, b, one));
        expect(distance, JSON.stringify(one)).toBeLessThan(1e-5);
      }
  });
});
