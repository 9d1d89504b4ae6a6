/**
 * @file Node. Kernels that move or sum whole rows by an index that JavaScript made. A sum goes in two passes where many rows
 * have one target: stretches of 32 rows first, so that the order of additions depends on the index alone, and a table of two
 * rows is summed by the whole device.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import { gradientScale } from '../gradientScale.ts';
import { halfScaleOf } from '../halfTensors.ts';
import { type Program, remembered } from '../program.ts';
import {
  elementOf,
  GRADIENT_SIZES,
  gradientsOf,
  inSingle,
  type Packing,
  readFour,
  readGradient,
  singlePackingOf,
  writeFour,
} from './fours.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { emptyGradientRows, emptyRows } from './rowTensors.ts';
import { stretchesOf } from './stretches.ts';
import { GROUP_SIZE, mainOf, twoSum } from './wgsl.ts';

/** Where `at` is among rows of up to four numbers each: `row`, `column`, and `first` of its numbers. */
export const FOUR_OF_ROW = `
  let fours = (sizes.width + 3u) / 4u;
  let at = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  let row = at / fours;
  if (row >= sizes.count) { return; }
  let column = at % fours * 4u;
  let left = sizes.width - column;
  let first = row * sizes.width + column;`;

/** Workgroups of a program that begins with `FOUR_OF_ROW`. */
export const groupsOfRows = (count: number, width: number) =>
  [Math.ceil((count * Math.ceil(width / 4)) / GROUP_SIZE)] as const;

interface GatherVariant {
  readonly packing: Packing;
  readonly isGradient: boolean;
}

/** x [A, W], index [count] -> y [count, W]; the index A means a row of zeros. */
const gatherProgram = remembered(({ packing, isGradient }: GatherVariant): Program => {
  return {
    name: `gatherRows in ${packing}${isGradient ? ' gradient' : ''}`,
    ...(isGradient ? gradientsOf(packing, 'x', 'y') : {}),
    inputs: { x: elementOf(packing), index: 'i32' },
    outputs: { y: elementOf(packing) },
    sizes: { count: 'u32', width: 'u32', rows: 'u32' },
    source: `${readFour('x', packing)}${writeFour('y', packing)}
${mainOf()} {
  ${FOUR_OF_ROW}
  let source = u32(index[row]);
  var numbers = vec4f(0.0);
  if (source < sizes.rows) { numbers = x_four(source * sizes.width + column, left); }
  y_put(first, left, numbers);
}`,
  };
});

interface SumVariant {
  /** Of the rows; sums have 32 bits. */
  readonly packing: Packing;
  /** Whether the rows are taken in another order than theirs: they are no sums of stretches. */
  readonly ordered: boolean;
}

/**
 * x [R, W] -> y [count, W]: row i is the sum of the rows `order[begins[i]]` to before `begins[i + 1]`, or of the rows
 * themselves where there is no order, which may be hundreds of stretches: what additions lose is kept beside their sum. A sum is one
 * invocation's for each four columns.
 */
const sumProgram = remembered(({ packing, ordered }: SumVariant): Program => {
  return {
    name: `sumRows in ${packing} ${ordered ? 'ordered' : ''}`,
    inputs: { x: elementOf(packing), begins: 'u32', ...(ordered ? { order: 'u32' as const } : {}) },
    outputs: { y: elementOf(inSingle(packing)) },
    ...gradientsOf(packing, 'x'),
    sizes: { count: 'u32', width: 'u32', zero: 'u32', ...GRADIENT_SIZES },
    source: `${readGradient('x', packing)}${writeFour('y', inSingle(packing))}
${ordered ? '' : twoSum('two_sum', 'vec4<f32>')}
${mainOf()} {
  ${FOUR_OF_ROW}
  var sum = vec4f(0.0);
  var rest = vec4f(0.0);
  for (var i = begins[row]; i < begins[row + 1u]; i++) {
    ${
      ordered
        ? 'sum += x_four(order[i] * sizes.width + column, left);'
        : `let both = two_sum(sum, x_four(i * sizes.width + column, left));
    sum = both.sum;
    rest += both.rest;`
    }
  }
  y_put(first, left, sum + rest);
}`,
  };
});

/** x [A, W] by index [B] -> [B, W]; A means a row of zeros */
function gatherRows(call: Call): TensorInfo {
  const x = checkedInput(call, 'x', [null, null]);
  const { index } = call.attributes as { index: Int32Array };
  const [rows, width] = x.shape as [number, number];
  const scale = halfScaleOf(x.dataId);
  // Rows are moved as they lie; but a gradient of another pass, multiplied by something else, would be rounded again.
  const isGradient = scale === gradientScale() && scale !== 1;
  const packing = isGradient || scale === 1 ? 'halves' : singlePackingOf(width);
  const y = (isGradient ? emptyGradientRows : emptyRows)(call, packing, [index.length, width]);
  call.programs.run(gatherProgram({ packing, isGradient }), {
    inputs: { x, index },
    outputs: { y },
    sizes: { count: index.length, width, rows },
    groups: groupsOfRows(index.length, width),
  });
  return y;
}

/** rows [B, W] -> [count, W]: row r is added to `targets[r]` */
export function summedRows(
  { programs }: Call,
  rows: TensorInfo,
  targets: Int32Array,
  count: number,
): TensorInfo {
  const width = rows.shape[1]!;
  // A gradient of another pass would be rounded again in 16 bits.
  const ofRows = halfScaleOf(rows.dataId) === gradientScale() ? 'halves' : singlePackingOf(width);
  const { order, begins, stretchBegins, ofTargets } = stretchesOf(targets, count);
  const sum = (x: TensorInfo, sums: number, tables: { begins: Uint32Array; order?: Uint32Array }) => {
    const y = programs.empty([sums, width]);
    const packing = x === rows ? ofRows : singlePackingOf(width);
    programs.run(sumProgram({ packing, ordered: tables.order !== undefined }), {
      inputs: { x, ...tables },
      outputs: { y },
      sizes: { count: sums, width, zero: 0 },
      groups: groupsOfRows(sums, width),
    });
    return y;
  };
  if (stretchBegins === null) return sum(rows, count, { begins, order });
  const ofStretches = sum(rows, stretchBegins.length - 1, { begins: stretchBegins, order });
  const y = sum(ofStretches, count, { begins: ofTargets });
  programs.free(ofStretches);
  return y;
}

function sumRows(call: Call): TensorInfo {
  const { targets, count } = call.attributes as { targets: Int32Array; count: number };
  return summedRows(call, checkedInput(call, 'rows', [targets.length, null]), targets, count);
}

export const rowKernels: KernelTable = [
  [KERNELS.gatherRows, gatherRows],
  [KERNELS.sumRows, sumRows],
];
