/** @file Node. Registers the named fused kernels (and a BatchMatMul and a Sum of our own) for tfjs' `wasm` backend. */
import * as tf from '@tensorflow/tfjs-core';
import { type DropoutSource, dropThreshold } from '../../model/dropout.ts';
import { KERNELS, type KernelName } from '../../model/kernels/dispatch.ts';
import type { FusedActivation } from '../../model/kernels/linear.ts';
import { longestPair, type RowLayout } from '../../model/packedBatch.ts';
import type { KernelModule } from './kernelModule.ts';
import { matmulInto, registerMatmul } from './matmul.ts';
import { columnSumsInto, registerSum } from './sums.ts';

interface Call {
  readonly inputs: Record<string, tf.TensorInfo>;
  readonly attributes: Record<string, unknown>;
}
type Body = (call: Call) => tf.TensorInfo | tf.TensorInfo[];

/** What layout-bound kernels share: the attributes of attention and of add + dropout + norm. */
interface LayoutAttributes {
  readonly layout: RowLayout;
  readonly dropout: DropoutSource | null;
  readonly place: number;
}

export function registerWasmKernels(kernels: KernelModule): void {
  const register = (name: KernelName, body: Body) => {
    if (tf.getKernel(name, 'wasm') !== undefined) tf.unregisterKernel(name, 'wasm');
    tf.registerKernel({
      kernelName: name,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs }) =>
        body({
          inputs: inputs as Record<string, tf.TensorInfo>,
          attributes: attrs as Record<string, unknown>,
        }),
    });
  };
  registerMatmul(kernels);
  registerSum(kernels);
  registerLinear(kernels, register);
  registerAttention(kernels, register);
  registerPooledAttention(kernels, register);
  registerNorm(kernels, register);
  registerRows(kernels, register);
}

type Register = (name: KernelName, body: Body) => void;

const two = (tensor: tf.TensorInfo) => tensor.shape as [number, number];

function registerLinear(kernels: KernelModule, register: Register): void {
  register(KERNELS.linear, ({ inputs: { x, weight, bias }, attributes }) => {
    const [rows, into] = two(x!);
    const out = weight!.shape[0]!;
    const activation = attributes.activation as FusedActivation;
    const y = kernels.output([rows, out]);
    const size = { m: rows, n: out, k: into };
    const strides = { a: [into, 1], b: [1, into] } as const;
    const epilogue = { bias: kernels.address(bias!), relu: activation === 'relu' };
    matmulInto(kernels, [kernels.address(x!), kernels.address(weight!), kernels.address(y)], {
      size,
      strides,
      epilogue,
    });
    return activation === 'tanh' ? tanhOf(kernels, y) : y;
  });
  register(KERNELS.linearGradient, ({ inputs: { dy, x, weight, y }, attributes }) => {
    const [rows, into] = two(x!);
    const out = weight!.shape[0]!;
    const activation = attributes.activation as FusedActivation;
    let upstream = dy!;
    if (activation !== 'none') {
      upstream = kernels.output([rows, out]);
      const kernel = activation === 'relu' ? 'reluGradient' : 'tanhGradient';
      kernels.call(kernel, kernels.address(dy!), kernels.address(y!), kernels.address(upstream), rows * out);
    }
    const dx = kernels.output([rows, into]);
    const dWeight = kernels.output([out, into]);
    const dBias = kernels.output([out]);
    const from = kernels.address(upstream);
    matmulInto(kernels, [from, kernels.address(weight!), kernels.address(dx)], {
      size: { m: rows, n: into, k: out },
      strides: { a: [out, 1], b: [into, 1] },
    });
    matmulInto(kernels, [from, kernels.address(x!), kernels.address(dWeight)], {
      size: { m: out, n: into, k: rows },
      strides: { a: [1, out], b: [into, 1] },
    });
    columnSumsInto(kernels, [from, kernels.address(dBias)], [rows, out]);
    if (upstream !== dy) kernels.backend.disposeData(upstream.dataId);
    return [dx, dWeight, dBias];
  });
}

/** tfjs' own tanh, so that the fused and the composite layer agree to the bit. */
function tanhOf(kernels: KernelModule, y: tf.TensorInfo): tf.TensorInfo {
  const kernel = tf.getKernel('Tanh', 'wasm');
  const result = kernel.kernelFunc({
    inputs: { x: y },
    attrs: {},
    backend: kernels.backend,
  }) as tf.TensorInfo;
  kernels.backend.disposeData(y.dataId);
  return result;
}

/** step, seed, place, threshold (0 = off), scale of kept values: the last numbers of every kernel with dropout. */
function dropoutNumbers(dropout: DropoutSource | null, place: number): number[] {
  if (dropout === null || dropout.rate === 0) return [0, 0, place, 0, 1];
  return [dropout.step, dropout.seed, place, dropThreshold(dropout.rate), 1 / (1 - dropout.rate)];
}

function registerAttention(kernels: KernelModule, register: Register): void {
  const prepare = (hidden: number, attributes: Record<string, unknown>) => {
    const { layout, dropout, place, heads } = attributes as unknown as LayoutAttributes & { heads: number };
    const bytes = kernels.call('attentionWorkspaceBytes', longestPair(layout), hidden / heads);
    const { indices, scratch } = kernels.workspace(bytes, layout.offsets, layout.pairIndices);
    return [...indices, layout.pairIndices.length, hidden, heads, ...dropoutNumbers(dropout, place), scratch];
  };
  register(KERNELS.attention, ({ inputs: { q, k, v }, attributes }) => {
    const out = kernels.output(q!.shape);
    const tensors = [q!, k!, v!, out].map((tensor) => kernels.address(tensor));
    kernels.call('attentionForward', ...tensors, ...prepare(q!.shape[1]!, attributes));
    return out;
  });
  register(KERNELS.attentionGradient, ({ inputs: { dy, q, k, v }, attributes }) => {
    const outputs = [q!, k!, v!].map((tensor) => kernels.output(tensor.shape));
    const tensors = [dy!, q!, k!, v!, ...outputs].map((tensor) => kernels.address(tensor));
    kernels.call('attentionBackward', ...tensors, ...prepare(q!.shape[1]!, attributes));
    return outputs;
  });
}

function registerPooledAttention(kernels: KernelModule, register: Register): void {
  const prepare = (hidden: number, attributes: Record<string, unknown>) => {
    const { layout, dropout, place, heads, scale } = attributes as unknown as LayoutAttributes & {
      heads: number;
      scale: number;
    };
    const bytes = kernels.call('pooledWorkspaceBytes', longestPair(layout));
    const { indices, scratch } = kernels.workspace(bytes, layout.offsets, layout.pairIndices);
    return [
      ...indices,
      layout.pairIndices.length,
      hidden,
      heads,
      scale,
      ...dropoutNumbers(dropout, place),
      scratch,
    ];
  };
  register(KERNELS.pooledAttention, ({ inputs: { x, query }, attributes }) => {
    const [pairs, heads, hidden] = query!.shape as [number, number, number];
    const out = kernels.output([pairs, heads, hidden + 1]);
    const tensors = [x!, query!, out].map((tensor) => kernels.address(tensor));
    kernels.call('pooledForward', ...tensors, ...prepare(hidden, attributes));
    return out;
  });
  register(KERNELS.pooledAttentionGradient, ({ inputs: { dy, x, query }, attributes }) => {
    const outputs = [x!, query!].map((tensor) => kernels.output(tensor.shape));
    const tensors = [dy!, x!, query!, ...outputs].map((tensor) => kernels.address(tensor));
    kernels.call('pooledBackward', ...tensors, ...prepare(x!.shape[1]!, attributes));
    return outputs;
  });
}

function registerNorm(kernels: KernelModule, register: Register): void {
  const prepare = (hidden: number, layout: RowLayout) => {
    const bytes = kernels.call('normaliseWorkspaceBytes', hidden);
    const { indices, scratch } = kernels.workspace(bytes, layout.offsets, layout.pairIndices);
    return { shared: [...indices, layout.pairIndices.length, hidden], scratch };
  };
  register(KERNELS.addDropoutNorm, ({ inputs: { x, residual, gamma, beta }, attributes }) => {
    const { layout, dropout, place, eps } = attributes as unknown as LayoutAttributes & { eps: number };
    const y = kernels.output(x!.shape);
    const statistics = kernels.output([x!.shape[0]!, 2]);
    const tensors = [x!, residual!, gamma!, beta!, y, statistics].map((tensor) => kernels.address(tensor));
    const { shared, scratch } = prepare(x!.shape[1]!, layout);
    kernels.call(
      'addDropoutNormForward',
      ...tensors,
      ...shared,
      eps,
      ...dropoutNumbers(dropout, place),
      scratch,
    );
    return [y, statistics];
  });
  register(
    KERNELS.addDropoutNormGradient,
    ({ inputs: { dy, x, residual, gamma, statistics }, attributes }) => {
      const { layout, dropout, place } = attributes as unknown as LayoutAttributes;
      const outputs = [x!, residual!, gamma!, gamma!].map((tensor) => kernels.output(tensor.shape));
      const inputs = [dy!, x!, residual!, gamma!, statistics!];
      const tensors = [...inputs, ...outputs].map((tensor) => kernels.address(tensor));
      const { shared, scratch } = prepare(x!.shape[1]!, layout);
      kernels.call(
        'addDropoutNormBackward',
        ...tensors,
        ...shared,
        ...dropoutNumbers(dropout, place),
        scratch,
      );
      return outputs;
    },
  );
}

function registerRows(kernels: KernelModule, register: Register): void {
  register(KERNELS.embeddingSum, ({ inputs: { tokenRows, segmentTable, positionTable }, attributes }) => {
    const { segments, positions } = attributes as { segments: Int32Array; positions: Int32Array };
    const out = kernels.output(tokenRows!.shape);
    const { indices } = kernels.workspace(0, segments, positions);
    const [base, first, second, to] = [tokenRows!, segmentTable!, positionTable!, out].map((t) =>
      kernels.address(t),
    );
    const [rows, width] = two(tokenRows!);
    kernels.call('embeddingSum', base!, first!, indices[0]!, second!, indices[1]!, to!, rows, width);
    return out;
  });
  const sum = (rows: tf.TensorInfo, targets: Int32Array, count: number) => {
    const [rowCount, width] = two(rows);
    const out = kernels.output([count, width]);
    const bytes = kernels.call('sumRowsWorkspaceBytes', rowCount, width, count);
    const { indices, scratch } = kernels.workspace(bytes, targets);
    const [from, to] = [kernels.address(rows), kernels.address(out)];
    kernels.call('sumRows', from, indices[0]!, to, rowCount, width, count, scratch);
    return out;
  };
  register(KERNELS.embeddingSumGradient, ({ inputs: { dy }, attributes }) => {
    const { segments, positions, tableRows } = attributes as {
      segments: Int32Array;
      positions: Int32Array;
      tableRows: number;
    };
    return [sum(dy!, segments, 2), sum(dy!, positions, tableRows)];
  });
  register(KERNELS.addKeepingRest, ({ inputs: { sum, rest, more } }) => {
    const [whole, lost] = [kernels.output(sum!.shape), kernels.output(sum!.shape)];
    const [before, added, to, toRest] = [sum!, more!, whole, lost].map((tensor) => kernels.address(tensor));
    const kept = rest === undefined ? 0 : kernels.address(rest);
    kernels.call('addKeepingRest', before!, kept, added!, to!, toRest!, tf.util.sizeFromShape(sum!.shape));
    return [whole, lost];
  });
  register(KERNELS.sumRows, ({ inputs: { rows }, attributes }) =>
    sum(rows!, attributes.targets as Int32Array, attributes.count as number),
  );
}
