/** @file Tests. Sums over thousands of rows on engines of the processor: their gradients, and tfjs' own sums on wasm. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { engineForTests } from '../../support/enginesForTests.ts';
import { Inputs, valuesOn } from '../../support/onEngine.ts';
import {
  around,
  columnsOf,
  describeSumsOverRows,
  expectClose,
  FEW_ROUNDINGS,
  linearGradients,
  ROWS,
} from '../../support/sumsOverRows.ts';

for (const engine of ['native', 'wasm', 'tensorflow'] as const) describeSumsOverRows(engine);

// The larger ones are too large for double precision.
it.for([
  [1, 7],
  [ROWS, 7],
  [63, 5000],
  [64, 5000],
  [255, 1100],
  [289, 1100],
  [1000, 300],
  [ROWS, 20],
] as const)(
  'on tensorflow, sums of the columns of %i rows of %i are no chain',
  async ([rows, width], { skip }) => {
    engineForTests('tensorflow', skip);
    const dy = around(new Inputs(rows), rows * width);
    const [, dBias] = await valuesOn('tensorflow', () =>
      linearGradients(new Float32Array(rows * 3).fill(1), dy, [3, width]),
    );
    expectClose(dBias!, columnsOf(dy, width), 3 * FEW_ROUNDINGS);
  },
);

describe('tfjs’ Sum on wasm', () => {
  it.each([
    [[ROWS, 9], [0]],
    [[ROWS, 9], [1]],
    [[ROWS], [0]],
    [[3, 5, ROWS], [2]],
    [
      [3, 50, 99],
      [1, 2],
    ],
    [
      [30, 50, 9],
      [1, 0],
    ],
    [
      [40, 50, 9],
      [0, 1, 2],
    ],
    [[5, 4], []],
    [[], []],
    [[1, 300, 1], [1]],
  ] as const)('of %j over %j', async (shape, axes) => {
    const x = around(new Inputs(1), tf.util.sizeFromShape([...shape]));
    const sum = (kept: boolean) =>
      valuesOn('wasm', () => [tf.sum(tf.tensor(x, [...shape]), [...axes], kept)]);
    const [actual] = await sum(false);
    expectClose(actual!, sumOver(x, shape, axes), FEW_ROUNDINGS);
    expect((await sum(true))[0]).toEqual(actual);
  });

  it('over axes in the middle is tfjs’ own', async () => {
    const x = around(new Inputs(1), 3 * 50 * 99);
    const [actual] = await valuesOn('wasm', () => [tf.sum(tf.tensor(x, [3, 50, 99]), 1)]);
    expectClose(actual!, sumOver(x, [3, 50, 99], [1]), 1e-6);
  });

  it('has the shape that tfjs says, of no numbers and of whole ones too', async () => {
    const shapes: number[][] = [];
    const values = await valuesOn('wasm', () => {
      const sums = [
        tf.sum(tf.ones([2, 3, 4]), [0, 1]),
        tf.sum(tf.ones([2, 3, 4]), -1, true),
        tf.sum(tf.ones([2, 3, 4])),
        tf.sum(tf.zeros([3, 0]), 1),
        tf.sum(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), 0),
      ];
      shapes.push(...sums.map(({ shape }) => shape));
      return sums;
    });
    expect(shapes).toEqual([[4], [2, 3, 1], [], [3], [2]]);
    expect(values.map((of) => [...of])).toEqual([[6, 6, 6, 6], [4, 4, 4, 4, 4, 4], [24], [0, 0, 0], [4, 6]]);
  });
});

function sumOver(x: Float32Array, shape: readonly number[], axes: readonly number[]): Float64Array {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const sums = new Float64Array(kept.reduce((total, size) => total * size, 1));
  x.forEach((value, index) => {
    let [rest, place, step] = [index, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (!axes.includes(axis)) place += (rest % shape[axis]!) * step;
      rest = Math.floor(rest / shape[axis]!);
      step *= kept[axis]!;
    }
    sums[place]! += value;
  });
  return sums;
}
