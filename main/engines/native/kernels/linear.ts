/** @file Node. EntailLinear and its like: x [R, I], W [O, I], b [O] -> y [R, O], and their gradients. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import type { Activation } from '../../../model/kernels/linear.ts';
import type { LinearShape } from '../binding.ts';
import { type Call, checkedInput, input, type KernelTable } from './kernel.ts';

function shapeOf(call: Call, x: TensorInfo, weight: TensorInfo): LinearShape {
  const activation = (call.attributes['activation'] ?? 'none') as Activation;
  const [rows, into] = x.shape as [number, number];
  return { rows, into, out: weight.shape[0]!, activation, precision: call.backend.precision };
}

function forwardInputs(call: Call) {
  const x = checkedInput(call, 'x', [null, null]);
  const weight = checkedInput(call, 'weight', [null, x.shape[1]!]);
  return { x, weight, bias: checkedInput(call, 'bias', [weight.shape[0]!]) };
}

/** -> y, and with GELU what went into it. */
function linear(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const { x, weight, bias } = forwardInputs(call);
  const shape = shapeOf(call, x, weight);
  const [from, by, plus] = [x, weight, bias].map((tensor) => backend.handleOf(tensor));
  const { y, before } = binding.linear(from!, by!, plus!, shape);
  const size = [shape.rows, shape.out];
  return [y, before].flatMap((handle) => (handle === undefined ? [] : [backend.tensor(handle, size)]));
}

/** `output`: the input that is y, or what went into GELU. -> dx, dWeight, dBias */
function linearGradient(output: 'y' | 'before') {
  return (call: Call): TensorInfo[] => {
    const { backend, binding } = call;
    const x = checkedInput(call, 'x', [null, null]);
    const weight = checkedInput(call, 'weight', [null, x.shape[1]!]);
    const shape = shapeOf(call, x, weight);
    const ofOutput = [shape.rows, shape.out];
    const [dy, kept] = [checkedInput(call, 'dy', ofOutput), checkedInput(call, output, ofOutput)];
    const { dx, dWeight, dBias } = binding.linearGradient(
      {
        dy: backend.handleOf(dy),
        x: backend.handleOf(x),
        weight: backend.handleOf(weight),
        output: backend.handleOf(kept),
        wantsX: true,
      },
      shape,
    );
    return [
      backend.tensor(dx!, x.shape),
      backend.tensor(dWeight, weight.shape),
      backend.tensor(dBias, [shape.out]),
    ];
  };
}

const LAYERS = [0, 1, 2] as const;

/** -> three times [R, O] */
function projections(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const first = input(call, 'weight0');
  const layers = LAYERS.map((layer) => ({
    weight: backend.handleOf(checkedInput(call, `weight${layer}`, [first.shape[0]!, x.shape[1]!])),
    bias: backend.handleOf(checkedInput(call, `bias${layer}`, [first.shape[0]!])),
  }));
  const shape = shapeOf(call, x, first);
  const outputs = binding.projections(backend.handleOf(x), layers, shape);
  return outputs.map((handle) => backend.tensor(handle, [shape.rows, shape.out]));
}

/** -> dx, three times dWeight, three times dBias */
function projectionsGradient(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const first = input(call, 'weight0');
  const shape = shapeOf(call, x, first);
  const of = (name: string, size: readonly number[]) =>
    LAYERS.map((layer) => backend.handleOf(checkedInput(call, `${name}${layer}`, size)));
  const { dx, dWeights, dBiases } = binding.projectionsGradient(
    {
      dys: of('dy', [shape.rows, shape.out]),
      x: backend.handleOf(x),
      weights: of('weight', first.shape),
      wantsX: true,
    },
    shape,
  );
  return [
    backend.tensor(dx!, x.shape),
    ...dWeights.map((handle) => backend.tensor(handle, first.shape)),
    ...dBiases.map((handle) => backend.tensor(handle, [shape.out])),
  ];
}

export const linearKernels: KernelTable = [
  [KERNELS.linear, linear],
  [KERNELS.linearGradient, linearGradient('y')],
  [KERNELS.linearGelu, linear],
  [KERNELS.linearGeluGradient, linearGradient('before')],
  [KERNELS.projections, projections],
  [KERNELS.projectionsGradient, projectionsGradient],
];
