/** @file Node. The sum of two gradients in 16 bits, which is how the tape joins the ways on which a tensor was used. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Programs } from '../dispatch.ts';
import { gradientScale } from '../gradientScale.ts';
import { halfScaleOf } from '../halfTensors.ts';
import type { Program } from '../program.ts';
import { GRADIENT_SIZES } from './fours.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

/** Both are multiplied by the same, and so is their sum. */
export const addHalvesProgram: Program = {
  name: 'add gradients in halves',
  inputs: { a: 'vec4<f16>', b: 'vec4<f16>' },
  outputs: { sum: 'vec4<f16>' },
  gradients: ['a', 'b', 'sum'],
  sizes: { count: 'u32', ...GRADIENT_SIZES },
  source: `${mainOf()} {
  for (var at = group.x * ${GROUP_SIZE}u + lane; at < sizes.count; at += groups.x * ${GROUP_SIZE}u) {
    sum[at] = to_half4(vec4f(a[at]) + vec4f(b[at]));
  }
}`,
};

const MOST_GROUPS = 4096;

/** a + b in 16 bits; null where they are not two gradients of one shape and of this pass in 16 bits. */
export function addedHalves(programs: Programs, a: TensorInfo, b: TensorInfo): TensorInfo | null {
  const scale = gradientScale();
  if (halfScaleOf(a.dataId) !== scale || halfScaleOf(b.dataId) !== scale) return null;
  if (scale === 1 || !util.arraysEqual(a.shape, b.shape)) return null;
  const sum = programs.emptyHalf(a.shape, scale);
  const count = util.sizeFromShape(a.shape) / 4;
  programs.run(addHalvesProgram, {
    inputs: { a, b },
    outputs: { sum },
    sizes: { count },
    groups: [Math.min(MOST_GROUPS, Math.ceil(count / GROUP_SIZE))],
  });
  return sum;
}
