/** @file Node. EntailAddDropoutNorm and EntailNormDropout, forward and backward. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { dropoutSizes } from './dropout.ts';
import { packingOf } from './fours.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { checkedLayout, layoutAttributes, rowPlaces } from './layout.ts';
import {
  CHUNK_ROWS,
  FORWARD_ROWS,
  foursOf,
  NORM_PARTS,
  type NormVariant,
  normGradientProgram,
  normProgram,
  PART_COLUMNS,
} from './normPrograms.ts';
import { emptyGradientRows, emptyRows } from './rowTensors.ts';

const NO_PLACES = new Uint32Array(0);

interface Prepared {
  readonly rows: number;
  readonly width: number;
  readonly variant: NormVariant;
  /** x, gamma, residual where there is one, and places. */
  readonly known: Readonly<Record<string, TensorInfo | Uint32Array>>;
  readonly sizes: Readonly<Record<string, number>>;
}

/**
 * x [R, W], gamma [W]; residual [R, W], or [E, W] with `sources`, where it is one that adds. Rows that stand for several of
 * a batch (distinctRows.ts) have no layout; without dropout none is needed.
 */
function prepare(call: Call, adds: boolean): Prepared {
  const { layout, dropout, place, sources } = layoutAttributes(call);
  const { eps } = call.attributes as { eps: number };
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, width] = x.shape as [number, number];
  const { subgroupSize } = call.programs;
  const variant = { fours: foursOf(width), packing: packingOf(call.precision, width), adds, subgroupSize };
  const placed = dropout !== null || sources !== null;
  return {
    ...{ rows, width, variant },
    known: {
      ...{ x, gamma: checkedInput(call, 'gamma', [width]) },
      ...(adds ? { residual: checkedInput(call, 'residual', [sources === null ? rows : null, width]) } : {}),
      places: placed ? rowPlaces.of(checkedLayout(call.name, layout, rows), sources) : NO_PLACES,
    },
    sizes: { rows, width, eps, placed: Number(placed), ...dropoutSizes(dropout, place) },
  };
}

/** -> y [R, W], statistics [R, 2] */
function forward(call: Call, adds: boolean): TensorInfo[] {
  const { rows, width, variant, known, sizes } = prepare(call, adds);
  const y = emptyRows(call, variant.packing, [rows, width]);
  const outputs = { y, statistics: call.programs.empty([rows, 2]) };
  call.programs.run(normProgram(variant), {
    inputs: { ...known, beta: checkedInput(call, 'beta', [width]) },
    outputs,
    sizes,
    groups: [Math.ceil(rows / FORWARD_ROWS)],
  });
  return [outputs.y, outputs.statistics];
}

/** -> dx, dResidual [R, W] (where there is one), dGamma, dBeta [W] */
function backward(call: Call, adds: boolean): TensorInfo[] {
  const { programs } = call;
  const { rows, width, variant, known, sizes } = prepare(call, adds);
  const statistics = checkedInput(call, 'statistics', [rows, 2]);
  const chunks = Math.ceil(rows / CHUNK_ROWS);
  const ofRows = {
    dx: emptyGradientRows(call, variant.packing, [rows, width]),
    ...(adds ? { dResidual: emptyGradientRows(call, variant.packing, [rows, width]) } : {}),
  };
  const parts = programs.empty([chunks, 2, width]);
  programs.run(normGradientProgram(variant), {
    inputs: { ...known, dy: checkedInput(call, 'dy', [rows, width]), statistics },
    outputs: { ...ofRows, parts },
    sizes,
    groups: [chunks],
  });
  const ofNorm = { dGamma: programs.empty([width]), dBeta: programs.empty([width]) };
  programs.run(NORM_PARTS, {
    inputs: { parts },
    outputs: ofNorm,
    sizes: { chunks, width },
    groups: [Math.ceil((width * 2) / PART_COLUMNS)],
  });
  programs.free(parts);
  return [...Object.values(ofRows), ofNorm.dGamma, ofNorm.dBeta];
}

const addDropoutNorm = (call: Call) => forward(call, true);
const addDropoutNormGradient = (call: Call) => backward(call, true);

export const normaliseKernels: KernelTable = [
  [KERNELS.addDropoutNorm, addDropoutNorm],
  [KERNELS.addDropoutNormGradient, addDropoutNormGradient],
  [KERNELS.addDropoutNormOfSources, addDropoutNorm],
  [KERNELS.addDropoutNormOfSourcesGradient, addDropoutNormGradient],
  [KERNELS.normDropout, (call) => forward(call, false)],
  [KERNELS.normDropoutGradient, (call) => backward(call, false)],
];
