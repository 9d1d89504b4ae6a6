/**
 * @file Node. What the programs of attention of one query a pair and head are made of (architecture.md, idea 2). A
 * workgroup has four heads of a pair, so that what is read of x serves four; its 256 invocations have 32 keys by 8 for
 * scalar products, 64 keys by four heads for the softmax, and columns for sums. `saved` [R · N] has the softmax of each pair
 * [N, T], a dropped weight being negative, and is where a pair's scores lie meanwhile.
 */
import { GROUP_INDEX } from '../dispatch.ts';
import { DROPOUT, DROPOUT_SIZES } from './dropout.ts';
import { inSingle, type Packing, readFour } from './fours.ts';
import { inSubgroups, laneSum } from './subgroupSums.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

/** Heads of a workgroup. */
export const HEADS_TOGETHER = 4;
/** Invocations of a head where sums go by heads. */
const HEAD_LANES = GROUP_SIZE / HEADS_TOGETHER;

export interface PooledVariant {
  /** Of x; queries have 32 bits. */
  readonly packing: Packing;
  /** 0 where sums are taken without subgroups. */
  readonly subgroupSize: number;
}

export const pooledName = (name: string, { packing, subgroupSize }: PooledVariant) =>
  `${name} in ${packing}${inSubgroups(subgroupSize)}`;

export const POOLED_SIZES = {
  pairs: 'u32',
  heads: 'u32',
  hidden: 'u32',
  scale: 'f32',
  ...DROPOUT_SIZES,
} as const;

/** `sum_of_head(lane, value)` and `most_of_head`: over the 64 invocations of a head, the same for all of them. */
export const overHead = (
  name: string,
  combine: (a: string, b: string) => string,
  { subgroupSize }: PooledVariant,
) =>
  subgroupSize > 0
    ? laneSum(name, {
        ...{ type: 'f32', combine: combine('a', 'b') },
        ...{ lanes: HEAD_LANES, groupSize: GROUP_SIZE, subgroupSize },
      })
    : overHeadInMemory(name, combine);

const overHeadInMemory = (name: string, combine: (a: string, b: string) => string) => `
var<workgroup> ${name}_parts: array<f32, ${GROUP_SIZE}>;
var<workgroup> ${name}_eighths: array<f32, 32>;
fn ${name}(lane: u32, value: f32) -> f32 {
  ${name}_parts[lane] = value;
  workgroupBarrier();
  if (lane < 32u) {
    var all = ${name}_parts[lane * 8u];
    for (var i = 1u; i < 8u; i++) { all = ${combine('all', `${name}_parts[lane * 8u + i]`)}; }
    ${name}_eighths[lane] = all;
  }
  workgroupBarrier();
  var all = ${name}_eighths[lane / 64u * 8u];
  for (var i = 1u; i < 8u; i++) { all = ${combine('all', `${name}_eighths[lane / 64u * 8u + i]`)}; }
  return all;
}`;

export const pooledHead = (variant: PooledVariant, way: 'forward' | 'back') => `
const LOWEST = -0x1.fffffep+127;
var<workgroup> partial: array<vec4f, ${GROUP_SIZE}>; // [32 keys][8]
${DROPOUT}
${readFour('x', variant.packing)}${way === 'forward' ? readFour('query', inSingle(variant.packing)) : ''}
${overHead('sum_of_head', (a, b) => `${a} + ${b}`, variant)}`;

export const pooledMain = (body: string) => `
${mainOf()} {
  let group_index = ${GROUP_INDEX};
  let head_groups = (sizes.heads + ${HEADS_TOGETHER - 1}u) / ${HEADS_TOGETHER}u;
  if (group_index >= sizes.pairs * head_groups) { return; }
  let pair = group_index / head_groups;
  let first_head = group_index % head_groups * ${HEADS_TOGETHER}u;
  let heads_here = min(${HEADS_TOGETHER}u, sizes.heads - first_head);
  let begin = places[pair * 4u];
  let length = places[pair * 4u + 1u];
  let pair_index = places[pair * 4u + 2u];
  // For what goes by heads: this invocation's head, and its keys from \`lane % 64\` on.
  let head = first_head + min(lane / 64u, heads_here - 1u);
  let has_head = lane / 64u < heads_here;
  let weights_at = begin * sizes.heads + head * length;
  ${body}
}`;

/**
 * For each key, `then` on \`total\`: what the rows of x come to with rows of \`vectors\`, for four heads. A row of \`vectors\` has
 * \`stride\` numbers.
 */
export const eachProduct = (packing: Packing, vectors: string, stride: string, then: string) => `
  for (var tile = 0u; tile < length; tile += 32u) {
    let key = tile + lane / 8u;
    var sums = vec4f(0.0);
    if (key < length) {
      for (var column = lane % 8u * 4u; column < sizes.hidden; column += 32u) {
        let left = sizes.hidden - column;
        let numbers = x_four((begin + key) * sizes.hidden + column, left);
        for (var i = 0u; i < heads_here; i++) {
          let vector = (pair * sizes.heads + first_head + i) * ${stride} + column;
          sums[i] += dot(numbers, ${vectorOf(packing, vectors)});
        }
      }
    }
    workgroupBarrier();
    partial[lane] = sums;
    workgroupBarrier();
    if (lane < 128u && tile + lane / 4u < length && lane % 4u < heads_here) {
      var total = 0.0;
      for (var i = 0u; i < 8u; i++) { total += partial[lane / 4u * 8u + i][lane % 4u]; }
      let at = begin * sizes.heads + (first_head + lane % 4u) * length + tile + lane / 4u;
      ${then}
    }
  }
  storageBarrier();
  workgroupBarrier();`;

/** Rows of dy are one number longer than those of x, so that they never are vectors. */
const vectorOf = (packing: Packing, vectors: string) =>
  vectors === 'query' || packing === 'ones'
    ? `${vectors}_four(vector, left)`
    : `vec4f(${[0, 1, 2, 3].map((i) => `${vectors}[vector + ${i}u]`).join(', ')})`;

/**
 * \`to\` [P, N, stride] = the sums over keys of x times \`weightOf\` (of \`at\`), for the heads here. Weights pass through workgroup
 * memory, 64 keys at a time.
 */
export const weightedSums = (to: string, stride: string, weightOf: string) => `
  for (var first_column = 0u; first_column < sizes.hidden; first_column += ${GROUP_SIZE}u) {
    let column = first_column + lane;
    var sums = vec4f(0.0);
    for (var tile = 0u; tile < length; tile += 64u) {
      workgroupBarrier();
      var weight = 0.0;
      let key = tile + lane % 64u;
      if (has_head && key < length) {
        let at = weights_at + key;
        weight = ${weightOf};
      }
      of_keys[lane % 64u * 4u + lane / 64u] = weight;
      workgroupBarrier();
      if (column < sizes.hidden) {
        for (var i = 0u; i < min(64u, length - tile); i++) {
          let four = vec4f(of_keys[i * 4u], of_keys[i * 4u + 1u], of_keys[i * 4u + 2u], of_keys[i * 4u + 3u]);
          sums += four * x_four_one((begin + tile + i) * sizes.hidden + column);
        }
      }
    }
    if (column < sizes.hidden) {
      for (var i = 0u; i < heads_here; i++) {
        ${to}[(pair * sizes.heads + first_head + i) * ${stride} + column] = sums[i];
      }
    }
  }`;

export const oneOfX = (packing: Packing) => `
var<workgroup> of_keys: array<f32, ${GROUP_SIZE}>; // [64 keys][4 heads]
fn x_four_one(at: u32) -> f32 { return ${packing === 'ones' ? 'x[at]' : 'f32(x[at / 4u][at % 4u])'}; }`;

/** Of `saved`: the weight after dropout. */
export const KEPT_WEIGHT = 'select(saved[at], 0.0, saved[at] < 0.0) * sizes.dropScale';
