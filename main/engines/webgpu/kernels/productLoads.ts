/** @file Node. How factors of a matrix product come from their buffers into workgroup memory, in WGSL. */
import { elementOf } from './fours.ts';
import type { ProductVariant } from './productProgram.ts';
import { times } from './wgsl.ts';

/**
 * `read_a(layer, slow, fast)`: four numbers along the contiguous axis of a factor, or one where axes are not multiples of
 * 4; 0 beyond its end.
 */
export function readOf(
  name: 'a' | 'b',
  { buffers, packing, transposeA, transposeB, precision, isGradient }: ProductVariant,
): string {
  const [slow, fast] =
    name === 'a'
      ? transposeA
        ? ['inner', 'rows']
        : ['rows', 'inner']
      : transposeB
        ? ['columns', 'inner']
        : ['inner', 'columns'];
  const count = buffers[name];
  // Where it lies in 16 bits it has been multiplied already.
  const isRounded = precision === 'fp16' && packing !== 'halves';
  const scaled = name === 'a' && isGradient && isRounded ? ' * sizes.gradientScale' : '';
  const element = elementOf(packing);
  const index = `slow * sizes.${fast} + fast`;
  const read =
    count === 1
      ? `return ${name}0[index];`
      : `switch layer { ${times(count - 1, (at) => `case ${at}u: { return ${name}${at}[index]; }`)}
    default: { return ${name}${count - 1}[index]; } }`;
  const inside = `slow < sizes.${slow} && fast < sizes.${fast}`;
  // The first number is read where there is none: without a branch, several reads are under way at once.
  return `fn at_${name}(layer: u32, index: u32) -> ${element} { ${read} }
fn read_${name}(layer: u32, slow: u32, fast: u32) -> ${element} {
  let inside = ${inside};
  return select(${element}(0.0), at_${name}(layer, select(0u, ${packing === 'ones' ? index : `(${index}) / 4u`}, inside))${scaled}, inside);
}`;
}

/**
 * `load_A(factor, outer0, k, block)`: a block of 4 x 4 numbers into workgroup memory, where fours lie along the outer axis
 * (M or N). Places are swapped by k, so that invocations do not meet in the same memory bank. `direct`: the outer axis is
 * the contiguous one; otherwise the block is transposed on its way.
 */
export function loadOf(
  factor: 'A' | 'B',
  direct: boolean,
  { tile, precision, packing }: ProductVariant,
): string {
  const name = factor.toLowerCase();
  const outerFours = tile.size / 4;
  const put = (step: string, value: string) =>
    `tile${factor}[(k4 * 4u + ${step}) * ${outerFours}u + (outer4 ^ (k4 & 7u))] = ${
      precision === 'fp16' && packing !== 'halves' ? `to_half4(${value})` : value
    };`;
  const places = direct
    ? `let outer4 = block % ${outerFours}u; let k4 = block / ${outerFours}u;`
    : `let k4 = block % ${tile.inner / 4}u; let outer4 = block / ${tile.inner / 4}u;`;
  const outer = 'outer0 + outer4 * 4u';
  const inner = 'k + k4 * 4u';
  const head = `fn load_${factor}(factor: u32, outer0: u32, k: u32, block: u32) {
  ${places}`;
  if (packing === 'ones') {
    const [outerOne, innerOne] = [`${outer} + i`, `${inner} + step`];
    return `${head}
  for (var step = 0u; step < 4u; step++) {
    var four = vec4f(0.0);
    for (var i = 0u; i < 4u; i++) {
      four[i] = read_${name}(factor, ${direct ? `${innerOne}, ${outerOne}` : `${outerOne}, ${innerOne}`});
    }
    ${put('step', 'four')}
  }
}`;
  }
  const read = (step: number) =>
    direct
      ? `let v${step} = read_${name}(factor, ${inner} + ${step}u, ${outer});`
      : `let v${step} = read_${name}(factor, ${outer} + ${step}u, ${inner});`;
  const value = (step: number) =>
    direct ? `v${step}` : `${elementOf(packing)}(v0[${step}], v1[${step}], v2[${step}], v3[${step}])`;
  return `${head}
  ${times(4, read)}
  ${times(4, (step) => put(`${step}u`, value(step)))}
}`;
}
