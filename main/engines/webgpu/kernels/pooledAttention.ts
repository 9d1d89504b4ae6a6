/** @file Node. EntailPooledAttention of one query a pair, forward and backward. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { dropoutSizes } from './dropout.ts';
import { packingOf } from './fours.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { checkedLayout, countBlocks, layoutAttributes, pairTables } from './layout.ts';
import {
  BLOCK_COLUMNS,
  pooledAttentionProgram,
  pooledRowsProgram,
  pooledSlopesProgram,
} from './pooledAttentionPrograms.ts';
import { HEADS_TOGETHER, type PooledVariant } from './pooledAttentionTiles.ts';
import { emptyGradientRows } from './rowTensors.ts';

interface Prepared {
  /** [R, H] */
  readonly x: TensorInfo;
  /** [P, N, H] */
  readonly query: TensorInfo;
  readonly pairs: number;
  readonly heads: number;
  readonly hidden: number;
  readonly blocks: number;
  readonly variant: PooledVariant;
  readonly places: Uint32Array;
  readonly sizes: Readonly<Record<string, number>>;
  /** Of programs that take heads together. */
  readonly groups: readonly [number];
}

function prepare(call: Call): Prepared {
  const { layout, dropout, place } = layoutAttributes(call);
  const { heads, scale } = call.attributes as { heads: number; scale: number };
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, hidden] = x.shape as [number, number];
  checkedLayout(call.name, layout, rows);
  const pairs = layout.pairIndices.length;
  const query = checkedInput(call, 'query', [pairs, heads, hidden]);
  return {
    ...{ x, query, pairs, heads, hidden, blocks: countBlocks(layout) },
    variant: { packing: packingOf(call.precision, hidden), subgroupSize: call.programs.subgroupSize },
    places: pairTables.of(layout, null),
    sizes: { pairs, heads, hidden, scale, ...dropoutSizes(dropout, place) },
    groups: [pairs * Math.ceil(heads / HEADS_TOGETHER)],
  };
}

/** -> pooled [P, N, H + 1], saved [R · N] */
function pooledAttention(call: Call): TensorInfo[] {
  const { x, query, pairs, heads, hidden, variant, places, sizes, groups } = prepare(call);
  const outputs = {
    pooled: call.programs.empty([pairs, heads, hidden + 1]),
    saved: call.programs.empty([x.shape[0]! * heads]),
  };
  const inputs = { x, query, places };
  call.programs.run(pooledAttentionProgram(variant), { inputs, outputs, sizes, groups });
  return [outputs.pooled, outputs.saved];
}

/** -> dx [R, H], dQuery [P, N, H] */
function pooledAttentionGradient(call: Call): TensorInfo[] {
  const { programs } = call;
  const { x, query, pairs, heads, hidden, blocks, variant, places, sizes, groups } = prepare(call);
  const dy = checkedInput(call, 'dy', [pairs, heads, hidden + 1]);
  const saved = checkedInput(call, 'saved', [x.shape[0]! * heads]);
  const slopes = programs.empty(saved.shape);
  const dQuery = programs.empty(query.shape);
  programs.run(pooledSlopesProgram(variant), {
    inputs: { dy, x, saved, places },
    outputs: { slopes, dQuery },
    sizes,
    groups,
  });
  const dx = emptyGradientRows(call, variant.packing, x.shape);
  programs.run(pooledRowsProgram({ packing: variant.packing }), {
    inputs: { dy, query, saved, slopes, places },
    outputs: { dx },
    sizes: { ...sizes, blocks },
    groups: [blocks * Math.ceil(hidden / BLOCK_COLUMNS)],
  });
  programs.free(slopes);
  return [dx, dQuery];
}

export const pooledAttentionKernels: KernelTable = [
  [KERNELS.pooledAttention, pooledAttention],
  [KERNELS.pooledAttentionGradient, pooledAttentionGradient],
];
