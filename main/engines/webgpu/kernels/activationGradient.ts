/** @file Node. The gradient of what went into an activation, element by element. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Activation } from '../../../model/kernels/linear.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import { type Element, type Program, remembered } from '../program.ts';
import { derivativeWgsl } from './activations.ts';
import type { Call } from './kernel.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

interface Variant {
  readonly activation: Activation;
  readonly fours: boolean;
}

const programOf = remembered(({ activation, fours }: Variant): Program => {
  const element: Element = fours ? 'vec4<f32>' : 'f32';
  return {
    name: `activation gradient ${activation} ${fours ? 4 : 1}`,
    inputs: { dy: element, kept: element },
    outputs: { dz: element },
    sizes: { count: 'u32' },
    source: `${derivativeWgsl(activation)}
${mainOf()} {
  let at = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  if (at < sizes.count) { dz[at] = dy[at] * derivative(vec4f(kept[at]))${fours ? '' : '.x'}; }
}`,
  };
});

/** dy ⊙ act'(kept), of the shape of both. `kept`: the output, or what went into GELU. The caller frees it. */
export function activationGradient(
  { programs }: Call,
  activation: Activation,
  dy: TensorInfo,
  kept: TensorInfo,
): TensorInfo {
  const size = util.sizeFromShape(dy.shape);
  const fours = size % 4 === 0;
  const count = fours ? size / 4 : size;
  const dz = programs.empty(dy.shape);
  programs.run(programOf({ activation, fours }), {
    inputs: { dy, kept },
    outputs: { dz },
    sizes: { count },
    groups: [Math.ceil(count / GROUP_SIZE)],
  });
  return dz;
}
