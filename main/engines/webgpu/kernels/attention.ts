/** @file Node. EntailAttention over packed rows, of rows that repeat too, forward and backward. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import type { Program } from '../program.ts';
import {
  attentionKeyGradientProgram,
  attentionProgram,
  attentionQueryGradientProgram,
  attentionTermsProgram,
} from './attentionPrograms.ts';
import { type AttentionVariant, chunksOf } from './attentionTiles.ts';
import { dropoutSizes } from './dropout.ts';
import { packingOf } from './fours.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { blockPlaces, checkedLayout, countBlocks, layoutAttributes } from './layout.ts';
import { emptyGradientRows, emptyRows } from './rowTensors.ts';
import { GROUP_SIZE } from './wgsl.ts';

interface Prepared {
  /** Each [R, H], or [E, H] with the attribute `sources` [R]. */
  readonly known: { readonly q: TensorInfo; readonly k: TensorInfo; readonly v: TensorInfo };
  readonly rows: number;
  readonly hidden: number;
  readonly heads: number;
  readonly variant: AttentionVariant;
  readonly places: Uint32Array;
  readonly sizes: Readonly<Record<string, number>>;
  readonly groups: readonly [number];
}

function prepare(call: Call): Prepared {
  const { layout, dropout, place, sources } = layoutAttributes(call);
  const { heads } = call.attributes as { heads: number };
  const q = checkedInput(call, 'q', [null, null]);
  const known = { q, k: checkedInput(call, 'k', q.shape), v: checkedInput(call, 'v', q.shape) };
  const [stored, hidden] = q.shape as [number, number];
  const rows = sources?.length ?? stored;
  checkedLayout(call.name, layout, rows);
  const width = hidden / heads;
  if (!Number.isInteger(width))
    throw new Error(`Error in ${call.name}: ${hidden} columns do not divide into ${heads} heads.`);
  const blocks = countBlocks(layout);
  return {
    ...{ known, rows, hidden, heads },
    variant: {
      chunks: chunksOf(width),
      packing: packingOf(call.precision, width),
      subgroupSize: call.programs.subgroupSize,
    },
    places: blockPlaces.of(layout, sources),
    sizes: {
      ...{ blocks, heads, hidden, width, scale: 1 / Math.sqrt(width) },
      sourcesAt: sources === null ? 0 : blocks * 4,
      ...dropoutSizes(dropout, place),
    },
    groups: [blocks * heads],
  };
}

/** -> context [R, H], saved [R, N, 2] */
function attention(call: Call): TensorInfo[] {
  const { known, rows, hidden, heads, variant, places, sizes, groups } = prepare(call);
  const outputs = {
    context: emptyRows(call, variant.packing, [rows, hidden]),
    saved: call.programs.empty([rows, heads, 2]),
  };
  call.programs.run(attentionProgram(variant), { inputs: { ...known, places }, outputs, sizes, groups });
  return [outputs.context, outputs.saved];
}

/** -> dq, dk, dv, [R, H] each */
function attentionGradient(call: Call): TensorInfo[] {
  const { known, rows, hidden, heads, variant, places, sizes, groups } = prepare(call);
  const dy = checkedInput(call, 'dy', [rows, hidden]);
  const context = checkedInput(call, 'context', [rows, hidden]);
  const saved = checkedInput(call, 'saved', [rows, heads, 2]);
  const { programs } = call;
  const terms = programs.empty([rows, heads, 4]);
  const count = rows * heads;
  programs.run(attentionTermsProgram({ packing: variant.packing }), {
    inputs: { dy, context, saved },
    outputs: { terms },
    sizes: { count, width: hidden / heads },
    groups: [Math.ceil(count / GROUP_SIZE)],
  });
  const [dq, dk, dv] = [0, 1, 2].map(() => emptyGradientRows(call, variant.packing, [rows, hidden])) as [
    TensorInfo,
    TensorInfo,
    TensorInfo,
  ];
  const run = (program: Program, outputs: Record<string, TensorInfo>) =>
    programs.run(program, { inputs: { dy, ...known, terms, places }, outputs, sizes, groups });
  run(attentionQueryGradientProgram(variant), { dq });
  run(attentionKeyGradientProgram(variant), { dk, dv });
  programs.free(terms);
  return [dq, dk, dv];
}

export const attentionKernels: KernelTable = [
  [KERNELS.attention, attention],
  [KERNELS.attentionGradient, attentionGradient],
  [KERNELS.attentionOfSources, attention],
  [KERNELS.attentionOfSourcesGradient, attentionGradient],
];
