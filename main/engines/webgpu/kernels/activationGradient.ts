/** @file Node. The gradient of what went into an activation, element by element. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Activation } from '../../../model/kernels/linear.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import { type Program, remembered } from '../program.ts';
import { derivativeWgsl } from './activations.ts';
import { elementOf, gradientsOf, type Packing, packingOf, singlePackingOf } from './fours.ts';
import type { Call } from './kernel.ts';
import { emptyGradientRows } from './rowTensors.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

interface Variant {
  readonly activation: Activation;
  readonly packing: Packing;
}

/** What a gradient in 16 bits is multiplied by it is multiplied by on both sides. */
const programOf = remembered(({ activation, packing }: Variant): Program => {
  const element = elementOf(packing);
  const product = 'vec4f(dy[at]) * derivative(vec4f(kept[at]))';
  return {
    name: `activation gradient ${activation} in ${packing}`,
    ...gradientsOf(packing, 'dy', 'dz'),
    inputs: { dy: element, kept: element },
    outputs: { dz: element },
    sizes: { count: 'u32' },
    source: `${derivativeWgsl(activation)}
${mainOf()} {
  let at = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  if (at < sizes.count) { dz[at] = ${packing === 'ones' ? `(${product}).x` : packing === 'halves' ? `to_half4(${product})` : product}; }
}`,
  };
});

/** dy ⊙ act'(kept), of the shape of both. `kept`: the output, or what went into GELU. The caller frees it. */
export function activationGradient(
  call: Call,
  activation: Activation,
  dy: TensorInfo,
  kept: TensorInfo,
): TensorInfo {
  const size = util.sizeFromShape(dy.shape);
  const isHalf = packingOf(call.precision, dy.shape.at(-1)!) === 'halves';
  const packing = isHalf ? 'halves' : singlePackingOf(size);
  const count = packing === 'ones' ? size : size / 4;
  const dz = emptyGradientRows(call, packing, dy.shape);
  call.programs.run(programOf({ activation, packing }), {
    inputs: { dy, kept },
    outputs: { dz },
    sizes: { count },
    groups: [Math.ceil(count / GROUP_SIZE)],
  });
  return dz;
}
