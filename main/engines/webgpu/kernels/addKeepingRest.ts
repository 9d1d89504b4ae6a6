/** @file Node. EntailAddKeepingRest: sum + more, and what that rounds away, number by number. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import { type Element, type Program, remembered } from '../program.ts';
import { type Call, checkedInput, input, type KernelTable } from './kernel.ts';
import { GROUP_SIZE, mainOf, twoSum } from './wgsl.ts';

interface Variant {
  readonly fours: boolean;
  /** Whether there is a rest already. */
  readonly kept: boolean;
}

const programOf = remembered(({ fours, kept }: Variant): Program => {
  const element: Element = fours ? 'vec4<f32>' : 'f32';
  return {
    name: `addKeepingRest ${fours ? 4 : 1}${kept ? ' kept' : ''}`,
    inputs: { before: element, more: element, ...(kept ? { restBefore: element } : {}) },
    outputs: { sum: element, rest: element },
    sizes: { count: 'u32', zero: 'u32' },
    source: `${twoSum('two_sum', element)}
${mainOf()} {
  let at = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  if (at >= sizes.count) { return; }
  let both = two_sum(before[at], more[at]);
  sum[at] = both.sum;
  rest[at] = both.rest${kept ? ' + restBefore[at]' : ''};
}`,
  };
});

/** Tensors of one shape, or no rest -> sum + more, rest + what that rounds away */
function addKeepingRest(call: Call): TensorInfo[] {
  const { programs } = call;
  const before = checkedInput(call, 'sum', input(call, 'sum').shape);
  const { shape } = before;
  const more = checkedInput(call, 'more', shape);
  const kept = call.inputs['rest'] !== undefined;
  const size = util.sizeFromShape(shape);
  const fours = size % 4 === 0;
  const count = fours ? size / 4 : size;
  const [sum, rest] = [programs.empty(shape), programs.empty(shape)];
  programs.run(programOf({ fours, kept }), {
    inputs: { before, more, ...(kept ? { restBefore: checkedInput(call, 'rest', shape) } : {}) },
    outputs: { sum, rest },
    sizes: { count, zero: 0 },
    groups: [Math.ceil(count / GROUP_SIZE)],
  });
  return [sum, rest];
}

export const additionKernels: KernelTable = [[KERNELS.addKeepingRest, addKeepingRest]];
