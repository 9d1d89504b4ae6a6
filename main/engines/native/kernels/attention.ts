/** @file Node. EntailAttention over packed rows, and EntailPooledAttention of one query a pair. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import type { AttentionShape } from '../binding.ts';
import { type Call, checkedInput, input, type KernelTable } from './kernel.ts';
import { layoutOf } from './layout.ts';

/** q, k, v are [R, H], or [E, H] with the attribute `sources` [R]. */
function attentionShape(call: Call, q: TensorInfo): AttentionShape & { rows: number } {
  const [stored, hidden] = q.shape as [number, number];
  const { heads, sources } = call.attributes as { heads: number; sources?: Int32Array };
  const rows = sources?.length ?? stored;
  return {
    ...layoutOf(call, rows),
    ...{ rows, hidden, heads },
    scale: 1 / Math.sqrt(hidden / heads),
    ...(sources === undefined ? {} : { sources }),
    precision: call.backend.precision,
  };
}

function threeOf(call: Call): [TensorInfo, TensorInfo, TensorInfo] {
  const q = checkedInput(call, 'q', [null, null]);
  return [q, checkedInput(call, 'k', q.shape), checkedInput(call, 'v', q.shape)];
}

/** What a kernel saves has a form of its own: a tensor of as many numbers as the buffer has. */
function savedTensor({ backend, binding }: Call, handle: number): TensorInfo {
  return backend.tensor(handle, [binding.sizeOf(handle)]);
}

function attention(call: Call): TensorInfo[] {
  const tensors = threeOf(call);
  const shape = attentionShape(call, tensors[0]);
  const [q, k, v] = tensors.map((tensor) => call.backend.handleOf(tensor));
  const { context, saved } = call.binding.attention(q!, k!, v!, shape);
  return [call.backend.tensor(context, [shape.rows, shape.hidden]), savedTensor(call, saved)];
}

/** -> dq, dk, dv, [R, H] each */
function attentionGradient(call: Call): TensorInfo[] {
  const { backend } = call;
  const tensors = threeOf(call);
  const shape = attentionShape(call, tensors[0]);
  const ofRows = [shape.rows, shape.hidden];
  const [q, k, v] = tensors.map((tensor) => backend.handleOf(tensor));
  const gradients = call.binding.attentionGradient(
    {
      ...{ q: q!, k: k!, v: v! },
      dy: backend.handleOf(checkedInput(call, 'dy', ofRows)),
      saved: backend.handleOf(input(call, 'saved')),
    },
    shape,
  );
  return [gradients.dq, gradients.dk, gradients.dv].map((handle) => backend.tensor(handle, ofRows));
}

function pooledShape(call: Call, x: TensorInfo): AttentionShape {
  const [rows, hidden] = x.shape as [number, number];
  const { heads, scale } = call.attributes as { heads: number; scale: number };
  return { ...layoutOf(call, rows), hidden, heads, scale, precision: call.backend.precision };
}

/** x [R, H], query [P, N, H] -> [P, N, H + 1] */
function pooledAttention(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const shape = pooledShape(call, x);
  const { heads, hidden } = shape;
  const pairs = shape.pairIndices.length;
  const query = checkedInput(call, 'query', [pairs, heads, hidden]);
  const { pooled, saved } = binding.pooledAttention(backend.handleOf(x), backend.handleOf(query), shape);
  return [backend.tensor(pooled, [pairs, heads, hidden + 1]), savedTensor(call, saved)];
}

/** -> dx [R, H], dQuery [P, N, H] */
function pooledAttentionGradient(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const shape = pooledShape(call, x);
  const { heads, hidden } = shape;
  const pairs = shape.pairIndices.length;
  const query = checkedInput(call, 'query', [pairs, heads, hidden]);
  const { dx, dQuery } = binding.pooledAttentionGradient(
    {
      dy: backend.handleOf(checkedInput(call, 'dy', [pairs, heads, hidden + 1])),
      x: backend.handleOf(x),
      query: backend.handleOf(query),
      saved: backend.handleOf(input(call, 'saved')),
    },
    shape,
  );
  return [backend.tensor(dx, x.shape), backend.tensor(dQuery, query.shape)];
}

export const attentionKernels: KernelTable = [
  [KERNELS.attention, attention],
  [KERNELS.attentionGradient, attentionGradient],
  [KERNELS.attentionOfSources, attention],
  [KERNELS.attentionOfSourcesGradient, attentionGradient],
  [KERNELS.pooledAttention, pooledAttention],
  [KERNELS.pooledAttentionGradient, pooledAttentionGradient],
];
