/**
 * @file Node. WGSL of sums and maxima over neighbouring invocations through the registers of subgroups, for devices whose subgroups
 * have been tried (../subgroups.ts). The order of additions is fixed.
 */
import { GROUP_SIZE, reduction } from './wgsl.ts';

/** Sizes of subgroups that kernels make use of: powers of two up to a workgroup's. */
export const KERNEL_SUBGROUP_SIZES: readonly number[] = [4, 8, 16, 32, 64, 128];

/** How far apart partners are at each step of adding up `size` values: 1, 2, 4, … */
export function distancesBelow(size: number): number[] {
  return Array.from({ length: Math.log2(size) }, (_, step) => 2 ** step);
}

export interface SumShape {
  readonly type: 'f32' | 'vec2f' | 'vec4f' | 'u32';
  /** An expression of `a` and `b`; their sum when absent. */
  readonly combine?: string;
  /** Invocations whose values are added up: a power of two, and neighbours. */
  readonly lanes: number;
  /** Of the workgroup. */
  readonly groupSize: number;
  /** Invocations of a subgroup, one of `KERNEL_SUBGROUP_SIZES`. */
  readonly subgroupSize: number;
}

/** The extensions that a program with these sums needs; 0 where it does without. */
export const extensionsFor = (subgroupSize: number): readonly string[] =>
  subgroupSize === 0 ? [] : ['subgroups'];

/**
 * `NAME(lane, value)`: the sum over the `lanes` neighbours that `lane` belongs to, the same for all of them. All invocations
 * of the workgroup must call it, as often as each other. Where a subgroup holds all neighbours there is neither memory nor
 * a barrier.
 */
export function laneSum(
  name: string,
  { type, lanes, groupSize, subgroupSize, combine = 'a + b' }: SumShape,
): string {
  const within = Math.min(lanes, subgroupSize);
  const parts = lanes / within;
  const shuffles = distancesBelow(within)
    .map((distance) => `sum = ${name}_of(sum, subgroupShuffleXor(sum, ${distance}u));`)
    .join(' ');
  const both = `
fn ${name}_of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }`;
  if (parts === 1)
    return `${both}
fn ${name}(lane: u32, value: ${type}) -> ${type} { var sum = value; ${shuffles} return sum; }`;
  return `${both}
var<workgroup> ${name}_parts: array<${type}, ${groupSize / within}>;
fn ${name}(lane: u32, value: ${type}) -> ${type} {
  let place = lane / ${within}u;
  let speaks = lane % ${within}u == 0u;
  var sum = value;
  ${shuffles}
  workgroupBarrier();
  if (speaks) { ${name}_parts[place] = sum; }
  ${distancesBelow(parts)
    .reverse()
    .map(
      (half) => `workgroupBarrier();
  if (speaks && place % ${parts}u < ${half}u) { ${name}_parts[place] = ${name}_of(${name}_parts[place], ${name}_parts[place + ${half}u]); }`,
    )
    .join('\n  ')}
  workgroupBarrier();
  return ${name}_parts[lane / ${lanes}u * ${parts}u];
}`;
}

/** What a program's name says of it. */
export const inSubgroups = (subgroupSize: number) => (subgroupSize === 0 ? '' : ` subgroups ${subgroupSize}`);

/**
 * `NAME(lane, value)` combines a value of every invocation of the workgroup, in a fixed order, and gives all of them the
 * result: through subgroups where there are any.
 */
export const groupSum = (
  name: string,
  subgroupSize: number,
  { type = 'f32', combine = 'a + b' }: { type?: 'f32' | 'u32'; combine?: string } = {},
) =>
  subgroupSize === 0
    ? reduction(name, combine, { type })
    : laneSum(name, { type, combine, lanes: GROUP_SIZE, groupSize: GROUP_SIZE, subgroupSize });
