/** @file Node. Adam in WGSL, in place: many small parameters in one program, and a table whose gradient has few rows. */
import { GROUP_INDEX } from './dispatch.ts';
import { GROUP_SIZE, mainOf } from './kernels/wgsl.ts';
import { type Element, type NumberType, numbered, type Program, remembered } from './program.ts';

/** What all parameters of a step share. */
const COMMON: Readonly<Record<string, NumberType>> = {
  beta1: 'f32',
  rest1: 'f32',
  beta2: 'f32',
  rest2: 'f32',
  eps: 'f32',
};

/** `moved(…)`: the new value; both moments are changed on the way. `T` is a number or four. */
const movedOf = (type: string) => `
fn moved(value: ${type}, first: ptr<function, ${type}>, second: ptr<function, ${type}>, gradient: ${type},
         stepSize: f32, inverseRoot: f32, keep: f32) -> ${type} {
  *first = *first * sizes.beta1 + gradient * sizes.rest1;
  *second = *second * sizes.beta2 + gradient * gradient * sizes.rest2;
  return value * keep - *first / (sqrt(*second) * inverseRoot + sizes.eps) * stepSize;
}`;

const scaleOf = (scaled: boolean) => (scaled ? 'scale[0]' : '1.0');

/**
 * `count` parameters, each with its gradient, whose moments lie one after another in one buffer: all first moments, then,
 * from `half` on, all second ones.
 */
export const adamOfMany = remembered(({ count, scaled }: { count: number; scaled: boolean }): Program => {
  const each = (name: string, type: NumberType) =>
    Object.fromEntries(numbered(name, count).map((one) => [one, type]));
  return {
    name: `adam of ${count}${scaled ? ' scaled' : ''}`,
    inputs: { ...each('gradient', 'f32'), ...(scaled ? { scale: 'f32' } : {}) },
    outputs: { ...each('value', 'f32'), moments: 'f32' },
    sizes: {
      ...COMMON,
      half: 'u32',
      ...each('length', 'u32'),
      ...each('offset', 'u32'),
      ...each('stepSize', 'f32'),
      ...each('inverseRoot', 'f32'),
      ...each('keep', 'f32'),
    },
    source: `${movedOf('f32')}
${mainOf()} {
  let scaling = ${scaleOf(scaled)};
  let begin = group.x * ${GROUP_SIZE}u + lane;
  let stride = groups.x * ${GROUP_SIZE}u;
  switch group.y {
    ${numbered('', count)
      .map(
        (at) => `case ${at}u: {
      for (var i = begin; i < sizes.length${at}; i += stride) {
        let place = sizes.offset${at} + i;
        var first = moments[place];
        var second = moments[place + sizes.half];
        value${at}[i] = moved(value${at}[i], &first, &second, gradient${at}[i] * scaling,
          sizes.stepSize${at}, sizes.inverseRoot${at}, sizes.keep${at});
        moments[place] = first;
        moments[place + sizes.half] = second;
      }
    }`,
      )
      .join('\n')}
    default: {}
  }
}`,
  };
});

/**
 * A table of which `distinct` rows, named by the ascending `ids`, have a gradient; every row moves. `width` and `length`
 * count fours where the width is a multiple of 4.
 */
export const adamOfRows = remembered(({ fours, scaled }: { fours: boolean; scaled: boolean }): Program => {
  const element: Element = fours ? 'vec4<f32>' : 'f32';
  return {
    name: `adam of rows ${fours ? 4 : 1}${scaled ? ' scaled' : ''}`,
    inputs: { rows: element, ids: 'i32', ...(scaled ? { scale: 'f32' } : {}) },
    outputs: { value: element, firsts: element, seconds: element },
    sizes: {
      ...COMMON,
      ...{ distinct: 'u32', width: 'u32', length: 'u32', stepSize: 'f32', inverseRoot: 'f32', keep: 'f32' },
    },
    source: `${movedOf(element)}
/** The first place among the ids that is not below the row. */
fn placeOf(row: i32) -> u32 {
  var low = 0u;
  var high = sizes.distinct;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (ids[middle] < row) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}
${mainOf()} {
  let i = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  if (i >= sizes.length) { return; }
  let row = i / sizes.width;
  let place = placeOf(i32(row));
  var gradient = ${element}(0.0);
  if (place < sizes.distinct && ids[place] == i32(row)) {
    gradient = rows[place * sizes.width + i % sizes.width] * ${scaleOf(scaled)};
  }
  var first = firsts[i];
  var second = seconds[i];
  value[i] = moved(value[i], &first, &second, gradient, sizes.stepSize, sizes.inverseRoot, sizes.keep);
  firsts[i] = first;
  seconds[i] = second;
}`,
  };
});
