/** @file Node. EntailProjections: queries, keys and values of the same rows, and the gradient of all three. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { type Call, checkedInput, input, type KernelTable } from './kernel.ts';
import { gradientProduct, linearProduct, productWithSums } from './product.ts';

const LAYERS = [0, 1, 2] as const;
/** One program for all three binds x, and weight, bias and output of each. */
const BUFFERS_OF_THREE = 10;

/** x [R, I], three times W [O, I] and b [O] -> three times [R, O] */
function projections(call: Call): TensorInfo[] {
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, inner] = x.shape as [number, number];
  const columns = input(call, 'weight0').shape[0]!;
  const weights = LAYERS.map((layer) => checkedInput(call, `weight${layer}`, [columns, inner]));
  const biases = LAYERS.map((layer) => checkedInput(call, `bias${layer}`, [columns]));
  const run = (layers: readonly number[]) =>
    linearProduct(
      call,
      {
        shape: { rows, columns, inner },
        factors: {
          a: { tensors: [x], transposed: false },
          b: { tensors: layers.map((layer) => weights[layer]!), transposed: true },
        },
        biases: layers.map((layer) => biases[layer]!),
      },
      { activation: 'none', before: false, isAnswer: false },
    );
  const together = call.programs.backend.device.limits.maxStorageBuffersPerShaderStage >= BUFFERS_OF_THREE;
  return together ? run(LAYERS) : LAYERS.flatMap((layer) => run([layer]));
}

/** -> dx, three times dWeight, three times dBias */
function projectionsGradient(call: Call): TensorInfo[] {
  const x = checkedInput(call, 'x', [null, null]);
  const [rows, into] = x.shape as [number, number];
  const out = input(call, 'weight0').shape[0]!;
  const weights = LAYERS.map((layer) => checkedInput(call, `weight${layer}`, [out, into]));
  const dys = LAYERS.map((layer) => checkedInput(call, `dy${layer}`, [rows, out]));
  const dx = gradientProduct(
    call,
    { rows, columns: into, inner: out },
    { a: { tensors: dys, transposed: false }, b: { tensors: weights, transposed: false } },
  );
  const { products, sums } = productWithSums(
    call,
    { rows: out, columns: into, inner: rows },
    { a: { tensors: dys, transposed: true }, b: { tensors: [x], transposed: false } },
  );
  return [dx, ...products, ...sums];
}

export const projectionKernels: KernelTable = [
  [KERNELS.projections, projections],
  [KERNELS.projectionsGradient, projectionsGradient],
];
