/** @file Node. EntailGradientNorm: √ Σ x² over all gradients of a step, as many tensors a program as it may bind. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { numbered, type Program, remembered } from '../program.ts';
import { type Call, checkedInput, input, type KernelTable } from './kernel.ts';
import { extensionsFor, groupSum, inSubgroups } from './subgroupSums.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

/** Workgroups of one tensor, at most; each leaves one sum. */
const MOST_GROUPS = 64;
/** Numbers that an invocation adds up before there is more than one workgroup. */
const NUMBERS_EACH = 4;

/** Σ x² of `count` tensors -> sums [tensor, workgroup], from `place` on. */
export const squaresOf = remembered(
  ({ count, subgroupSize }: { count: number; subgroupSize: number }): Program => ({
    name: `gradientNorm squares ${count}${inSubgroups(subgroupSize)}`,
    extensions: extensionsFor(subgroupSize),
    inputs: Object.fromEntries(numbered('x', count).map((name) => [name, 'f32'])),
    outputs: { sums: 'f32' },
    sizes: { place: 'u32', ...Object.fromEntries(numbered('length', count).map((name) => [name, 'u32'])) },
    source: `
${groupSum('total', subgroupSize)}
${mainOf()} {
  var sum = 0.0;
  switch group.y {
    ${numbered('', count)
      .map(
        (at) => `case ${at}u: {
      for (var i = group.x * ${GROUP_SIZE}u + lane; i < sizes.length${at}; i += groups.x * ${GROUP_SIZE}u) {
        let value = x${at}[i];
        sum += value * value;
      }
    }`,
      )
      .join('\n')}
    default: {}
  }
  sum = total(lane, sum);
  if (lane == 0u) { sums[(sizes.place + group.y) * groups.x + group.x] = sum; }
}`,
  }),
);

export const rootOf = remembered(
  (subgroupSize: number): Program => ({
    name: `gradientNorm root${inSubgroups(subgroupSize)}`,
    extensions: extensionsFor(subgroupSize),
    inputs: { sums: 'f32' },
    outputs: { norm: 'f32' },
    sizes: { count: 'u32' },
    source: `
${groupSum('total', subgroupSize)}
${mainOf()} {
  var sum = 0.0;
  for (var i = lane; i < sizes.count; i += ${GROUP_SIZE}u) { sum += sums[i]; }
  sum = total(lane, sum);
  if (lane == 0u) { norm[0] = sqrt(sum); }
}`,
  }),
);

/** Any tensors -> a scalar */
function gradientNorm(call: Call): TensorInfo {
  const { programs } = call;
  const { subgroupSize } = programs;
  const tensors = Object.keys(call.inputs).map((name) => checkedInput(call, name, input(call, name).shape));
  const most = programs.backend.device.limits.maxStorageBuffersPerShaderStage - 1;
  const longest = Math.max(1, ...tensors.map(({ shape }) => util.sizeFromShape(shape)));
  const groups = Math.min(MOST_GROUPS, Math.ceil(longest / (GROUP_SIZE * NUMBERS_EACH)));
  const sums = programs.empty([Math.max(1, tensors.length), groups]);
  for (let place = 0; place < tensors.length; place += most) {
    const some = tensors.slice(place, place + most);
    const named = <Value>(name: string, values: readonly Value[]) =>
      Object.fromEntries(numbered(name, some.length).map((each, at) => [each, values[at]!]));
    programs.run(squaresOf({ count: some.length, subgroupSize }), {
      inputs: named('x', some),
      outputs: { sums },
      sizes: {
        place,
        ...named(
          'length',
          some.map(({ shape }) => util.sizeFromShape(shape)),
        ),
      },
      groups: [groups, some.length],
    });
  }
  const norm = programs.empty([]);
  const count = tensors.length * groups;
  programs.run(rootOf(subgroupSize), { inputs: { sums }, outputs: { norm }, sizes: { count }, groups: [1] });
  programs.free(sums);
  return norm;
}

export const gradientNormKernels: KernelTable = [[KERNELS.gradientNorm, gradientNorm]];
