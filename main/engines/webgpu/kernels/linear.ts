/** @file Node. EntailLinear and EntailLinearGelu: x [R, I], W [O, I], b [O] -> y [R, O], and their gradients. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import type { Activation } from '../../../model/kernels/linear.ts';
import { activationGradient } from './activationGradient.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { gradientProduct, linearProduct, productWithSums } from './product.ts';

const activationOf = (call: Call) => (call.attributes['activation'] ?? 'none') as Activation;

/** `before`: also what went into the activation, [R, O]. */
function linear(before: boolean) {
  return (call: Call): TensorInfo[] => {
    const x = checkedInput(call, 'x', [null, null]);
    const [rows, inner] = x.shape as [number, number];
    const weight = checkedInput(call, 'weight', [null, inner]);
    const columns = weight.shape[0]!;
    const bias = checkedInput(call, 'bias', [columns]);
    const factors = {
      a: { tensors: [x], transposed: false },
      b: { tensors: [weight], transposed: true },
    };
    const layer = { shape: { rows, columns, inner }, factors, biases: [bias] };
    const isAnswer = call.attributes['isAnswer'] === true;
    return linearProduct(call, layer, { activation: activationOf(call), before, isAnswer });
  };
}

/** `output`: the input that is y, or what went into GELU. -> dx, dWeight, dBias */
function linearGradient(output: 'y' | 'before') {
  return (call: Call): TensorInfo[] => {
    const x = checkedInput(call, 'x', [null, null]);
    const [rows, into] = x.shape as [number, number];
    const weight = checkedInput(call, 'weight', [null, into]);
    const out = weight.shape[0]!;
    const dy = checkedInput(call, 'dy', [rows, out]);
    const kept = checkedInput(call, output, [rows, out]);
    const activation = activationOf(call);
    const dz = activation === 'none' ? dy : activationGradient(call, activation, dy, kept);
    const dx = gradientProduct(
      call,
      { rows, columns: into, inner: out },
      { a: { tensors: [dz], transposed: false }, b: { tensors: [weight], transposed: false } },
    );
    const { products, sums } = productWithSums(
      call,
      { rows: out, columns: into, inner: rows },
      { a: { tensors: [dz], transposed: true }, b: { tensors: [x], transposed: false } },
    );
    if (dz !== dy) call.programs.free(dz);
    return [dx, ...products, ...sums];
  };
}

export const linearKernels: KernelTable = [
  [KERNELS.linear, linear(false)],
  [KERNELS.linearGradient, linearGradient('y')],
  [KERNELS.linearGelu, linear(true)],
  [KERNELS.linearGeluGradient, linearGradient('before')],
];
