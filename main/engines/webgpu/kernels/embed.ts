/** @file Node. EntailEmbeddingSum: the encoder's input, and its gradients by segment and position. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { type Program, remembered } from '../program.ts';
import { elementOf, inSingle, type Packing, packingOf, readFour, writeFour } from './fours.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { FOUR_OF_ROW, groupsOfRows, summedRows } from './rows.ts';
import { emptyRows } from './rowTensors.ts';
import { mainOf } from './wgsl.ts';

const SEGMENTS = 2;

interface EmbeddingAttributes {
  /** [E] */
  readonly segments: Int32Array;
  /** [E] */
  readonly positions: Int32Array;
  readonly tableRows: number;
}

const embeddingProgram = remembered(({ packing }: { readonly packing: Packing }): Program => {
  const single = inSingle(packing);
  const element = elementOf(single);
  const tables = ['tokenRows', 'segmentTable', 'positionTable'];
  return {
    name: `embeddingSum in ${packing}`,
    inputs: {
      ...{ tokenRows: element, segmentTable: element, positionTable: element },
      ...{ segments: 'i32', positions: 'i32' },
    },
    outputs: { y: elementOf(packing) },
    sizes: { count: 'u32', width: 'u32' },
    source: `${tables.map((name) => readFour(name, single)).join('')}${writeFour('y', packing)}
${mainOf()} {
  ${FOUR_OF_ROW}
  let segment = segmentTable_four(u32(segments[row]) * sizes.width + column, left);
  let position = positionTable_four(u32(positions[row]) * sizes.width + column, left);
  y_put(first, left, tokenRows_four(first, left) + (segment + position));
}`,
  };
});

/** tokenRows [E, H], segmentTable [S, H], positionTable [M, H] -> [E, H] */
function embeddingSum(call: Call): TensorInfo {
  const { segments, positions } = call.attributes as unknown as EmbeddingAttributes;
  const tokenRows = checkedInput(call, 'tokenRows', [segments.length, null]);
  const [count, width] = tokenRows.shape as [number, number];
  const segmentTable = checkedInput(call, 'segmentTable', [null, width]);
  const positionTable = checkedInput(call, 'positionTable', [null, width]);
  const packing = packingOf(call.precision, width);
  const y = emptyRows(call, packing, tokenRows.shape);
  call.programs.run(embeddingProgram({ packing }), {
    inputs: { tokenRows, segmentTable, positionTable, segments, positions },
    outputs: { y },
    sizes: { count, width },
    groups: groupsOfRows(count, width),
  });
  return y;
}

/** -> dSegmentTable [2, H], dPositionTable [M, H] */
function embeddingSumGradient(call: Call): TensorInfo[] {
  const { segments, positions, tableRows } = call.attributes as unknown as EmbeddingAttributes;
  const dy = checkedInput(call, 'dy', [segments.length, null]);
  return [summedRows(call, dy, segments, SEGMENTS), summedRows(call, dy, positions, tableRows)];
}

export const embedKernels: KernelTable = [
  [KERNELS.embeddingSum, embeddingSum],
  [KERNELS.embeddingSumGradient, embeddingSumGradient],
];
