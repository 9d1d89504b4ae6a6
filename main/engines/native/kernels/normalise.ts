/** @file Node. EntailAddDropoutNorm and EntailNormDropout, and dropout masks for composites. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import type { NormShape } from '../binding.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { layoutOf } from './layout.ts';

interface NormAttributes {
  readonly eps: number;
  readonly dropout: unknown;
  readonly sources?: Int32Array | null;
}

function normShape(call: Call, { shape }: TensorInfo, rows: number | null): NormShape {
  const { eps, sources } = call.attributes as unknown as NormAttributes;
  const ofSources = sources === undefined || sources === null ? {} : { residualSources: sources };
  return { ...layoutOf(call, rows), width: shape[1]!, eps, ...ofSources };
}

/** x, residual [R, W] (residual [E, W] with `sources`), gamma, beta [W] -> y [R, W], statistics [R, 2] */
function addDropoutNorm(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, width] = x.shape as [number, number];
  const shape = normShape(call, x, rows);
  const residual = checkedInput(call, 'residual', [shape.residualSources === undefined ? rows : null, width]);
  const { y, statistics } = binding.addDropoutNorm(
    {
      x: backend.handleOf(x),
      residual: backend.handleOf(residual),
      gamma: backend.handleOf(checkedInput(call, 'gamma', [width])),
      beta: backend.handleOf(checkedInput(call, 'beta', [width])),
    },
    shape,
  );
  return [backend.tensor(y, x.shape), backend.tensor(statistics, [rows, 2])];
}

/** -> dx, dResidual [R, W], dGamma, dBeta [W] */
function addDropoutNormGradient(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, width] = x.shape as [number, number];
  const shape = normShape(call, x, rows);
  const residual = checkedInput(call, 'residual', [shape.residualSources === undefined ? rows : null, width]);
  const { dx, dResidual, dGamma, dBeta } = binding.addDropoutNormGradient(
    {
      dy: backend.handleOf(checkedInput(call, 'dy', x.shape)),
      x: backend.handleOf(x),
      residual: backend.handleOf(residual),
      gamma: backend.handleOf(checkedInput(call, 'gamma', [width])),
      statistics: backend.handleOf(checkedInput(call, 'statistics', [rows, 2])),
    },
    shape,
  );
  const ofRows = [dx, dResidual].map((handle) => backend.tensor(handle, x.shape));
  return [...ofRows, ...[dGamma, dBeta].map((handle) => backend.tensor(handle, [width]))];
}

/** Rows that stand for several of a batch (distinctRows.ts) have no layout; without dropout none is needed. */
function normDropoutShape(call: Call, x: TensorInfo): NormShape {
  const { eps, dropout } = call.attributes as unknown as NormAttributes;
  const [rows, width] = x.shape as [number, number];
  if (dropout !== null) return normShape(call, x, rows);
  return { offsets: Int32Array.of(0, rows), pairIndices: Int32Array.of(0), width, eps };
}

function normDropout(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, width] = x.shape as [number, number];
  const { y, statistics } = binding.normDropout(
    {
      x: backend.handleOf(x),
      gamma: backend.handleOf(checkedInput(call, 'gamma', [width])),
      beta: backend.handleOf(checkedInput(call, 'beta', [width])),
    },
    normDropoutShape(call, x),
  );
  return [backend.tensor(y, x.shape), backend.tensor(statistics, [rows, 2])];
}

function normDropoutGradient(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, width] = x.shape as [number, number];
  const { dx, dGamma, dBeta } = binding.normDropoutGradient(
    {
      dy: backend.handleOf(checkedInput(call, 'dy', x.shape)),
      x: backend.handleOf(x),
      gamma: backend.handleOf(checkedInput(call, 'gamma', [width])),
      statistics: backend.handleOf(checkedInput(call, 'statistics', [rows, 2])),
    },
    normDropoutShape(call, x),
  );
  return [backend.tensor(dx, x.shape), ...[dGamma, dBeta].map((handle) => backend.tensor(handle, [width]))];
}

export const normaliseKernels: KernelTable = [
  [KERNELS.addDropoutNorm, addDropoutNorm],
  [KERNELS.addDropoutNormGradient, addDropoutNormGradient],
  [KERNELS.addDropoutNormOfSources, addDropoutNorm],
  [KERNELS.addDropoutNormOfSourcesGradient, addDropoutNormGradient],
  [KERNELS.normDropout, normDropout],
  [KERNELS.normDropoutGradient, normDropoutGradient],
];
