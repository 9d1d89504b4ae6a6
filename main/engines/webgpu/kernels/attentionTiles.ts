/**
 * @file Node. What the three programs of attention are made of. A workgroup has a block of up to 32 rows of one pair and
 * head and goes through the pair's other rows 32 at a time; 128 invocations share the 32 × 32 products between them: an
 * invocation has four rows of the block (`four`, 8 such groups) and the other rows `other` and `other + 16`. A head's columns
 * pass through workgroup memory 32 at a time, so that it holds any width; all of it together is below 16 KiB.
 */
import { GROUP_INDEX } from '../dispatch.ts';
import { DROPOUT, DROPOUT_SIZES } from './dropout.ts';
import { type Packing, readFour, readGradient, storedNumber } from './fours.ts';
import { inSubgroups, laneSum } from './subgroupSums.ts';
import { EXPONENTIAL4, mainOf } from './wgsl.ts';

const INVOCATIONS = 128;
const CHUNK = 32;

export interface AttentionVariant {
  /** Stretches of 32 columns that a head has. */
  readonly chunks: number;
  readonly packing: Packing;
  /** 0 where what invocations share goes through workgroup memory. */
  readonly subgroupSize: number;
}

export const variantName = (name: string, { chunks, packing, subgroupSize }: AttentionVariant) =>
  `${name} ${chunks} in ${packing}${inSubgroups(subgroupSize)}`;

export const chunksOf = (width: number) => Math.ceil(width / CHUNK);

export const ATTENTION_SIZES = {
  blocks: 'u32',
  heads: 'u32',
  hidden: 'u32',
  width: 'u32',
  scale: 'f32',
  /** Where in `places` the rows of q, k and v are told that each row has; 0: its own. */
  sourcesAt: 'u32',
  ...DROPOUT_SIZES,
} as const;

/** Text for each chunk of columns: what is kept of them has names of its own, so that all of it lies in registers. */
export const eachChunk = ({ chunks }: AttentionVariant, text: (chunk: number) => string) =>
  Array.from({ length: chunks }, (_, chunk) => text(chunk)).join('\n');

/** Registers NAME0, NAME1, …: an invocation's columns `other` + 16 · i of the head, for its four rows. */
export const declareSums = ({ chunks }: AttentionVariant, name: string) =>
  Array.from({ length: chunks * 2 }, (_, column) => `var ${name}${column} = vec4f(0.0);`).join('\n');

/** Names that `main` may use, and functions: `stage` reads q, k, v, and of the way back dy. */
export function attentionHead({ packing }: AttentionVariant, way: 'forward' | 'back'): string {
  return `
const LOWEST = -0x1.fffffep+127;
var<workgroup> left: array<vec4f, 288>; // 32 rows of 8 vectors, and one that keeps rows in different banks
var<workgroup> right: array<vec4f, 288>;
var<workgroup> weights: array<vec4f, 288>; // [other row][four rows of the block]
var<workgroup> kept: array<u32, ${INVOCATIONS}>;
${['q', 'k', 'v'].map((name) => readFour(name, packing)).join('')}
${way === 'back' ? readGradient('dy', packing) : ''}
fn stored_row(row: u32) -> u32 {
  if (sizes.sourcesAt == 0u) { return row; }
  return places[sizes.sourcesAt + row];
}
${EXPONENTIAL4}${DROPOUT}${KEPT}`;
}

/**
 * Eight bits of an invocation: whether the weights of query `first_query + lane / 4` for eight keys are kept. Element (head ·
 * length + query) · length + key need not begin a block of four, so three blocks are drawn.
 */
const KEPT = `
fn kept_of(lane: u32, first_query: u32, first_key: u32, head: u32, length: u32, pair: u32) -> u32 {
  let query = first_query + lane / 4u;
  let key = first_key + lane % 4u * 8u;
  if (sizes.dropThreshold == 0u || query >= length || key >= length) { return 0u; }
  let element = (head * length + query) * length + key;
  var bits = 0u;
  for (var i = 0u; i < 3u; i++) {
    bits |= dot(select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), drawn(pair, (element >> 2u) + i)), vec4u(1u)) << (4u * i);
  }
  return bits >> (element & 3u);
}
fn factor_of(query: u32, key: u32) -> f32 {
  return select(0.0, sizes.dropScale, ((kept[query * 4u + key / 8u] >> (key % 8u)) & 1u) != 0u);
}`;

/** Before the loop over tiles: `begin`, `length`, `first`, `pair` of the block, and the invocation's place. */
export const attentionMain = (body: string) => `
${mainOf(INVOCATIONS)} {
  let group_index = ${GROUP_INDEX};
  if (group_index >= sizes.blocks * sizes.heads) { return; }
  let block = group_index / sizes.heads * 4u;
  let head = group_index % sizes.heads;
  let begin = places[block];
  let length = places[block + 1u];
  let first = places[block + 2u];
  let pair = places[block + 3u];
  let block_rows = min(32u, length - first);
  let four = lane / 16u;
  let other = lane % 16u;
  ${body}
}`;

/** Copies a chunk of the columns of up to 32 rows into a tile; zeros where there is none. */
export const stage = (
  tile: 'left' | 'right',
  matrix: string,
  { first, rows, chunk, stored }: { first: string; rows: string; chunk: number; stored: boolean },
) => `
  for (var at = lane; at < 256u; at += ${INVOCATIONS}u) {
    let row = at / 8u;
    let column = ${chunk * CHUNK}u + at % 8u * 4u;
    var numbers = vec4f(0.0);
    if (row < ${rows} && column < sizes.width) {
      let matrix_row = ${stored ? 'stored_row' : ''}(begin + ${first} + row);
      numbers = ${matrix}_four(matrix_row * sizes.hidden + head * sizes.width + column, sizes.width - column);
    }
    ${tile}[row * 9u + at % 8u] = numbers;
  }`;

/** Adds to NAME0 and NAME1 the scalar products of the invocation's four rows with its two other rows, of what is staged. */
const PRODUCTS = (name: string) => `
  workgroupBarrier();
  if (four * 4u < block_rows) {
    for (var at = 0u; at < 8u; at++) {
      let a = left[four * 36u + at];
      let b = left[four * 36u + 9u + at];
      let c = left[four * 36u + 18u + at];
      let d = left[four * 36u + 27u + at];
      let x = right[other * 9u + at];
      let y = right[other * 9u + 144u + at];
      ${name}0 += vec4f(dot(a, x), dot(b, x), dot(c, x), dot(d, x));
      ${name}1 += vec4f(dot(a, y), dot(b, y), dot(c, y), dot(d, y));
    }
  }
  workgroupBarrier();`;

/** NAME0, NAME1 = the block's rows of `mine` · the tile's rows of `theirs`, all columns. */
export const products = (
  variant: AttentionVariant,
  name: string,
  { mine, theirs, stored }: { mine: string; theirs: string; stored: readonly [boolean, boolean] },
) => `
  var ${name}0 = vec4f(0.0);
  var ${name}1 = vec4f(0.0);
  ${eachChunk(
    variant,
    (chunk) => `
  ${stage('left', mine, { first: 'first', rows: 'block_rows', chunk, stored: stored[0] })}
  ${stage('right', theirs, { first: 'tile', rows: 'tile_rows', chunk, stored: stored[1] })}
  ${PRODUCTS(name)}`,
  )}`;

/** NAME0, NAME1, … += weights · the tile's rows of `theirs`; the weights have been written by their invocations. */
export const weigh = (
  variant: AttentionVariant,
  name: string,
  { theirs, stored }: { theirs: string; stored: boolean },
) =>
  eachChunk(
    variant,
    (chunk) => `
  ${stage('right', theirs, { first: 'tile', rows: 'tile_rows', chunk, stored })}
  workgroupBarrier();
  if (four * 4u < block_rows) {
    for (var row = 0u; row < tile_rows; row++) {
      let weight = weights[row * 9u + four];
      ${name}${chunk * 2} += weight * right[row * 9u + other / 4u][other % 4u];
      ${name}${chunk * 2 + 1} += weight * right[row * 9u + 4u + other / 4u][other % 4u];
    }
  }
  workgroupBarrier();`,
  );

/** Invocations that share four rows. */
const SHARING = 16;

/** `NAME(lane, value)`: the values of the 16 invocations that share four rows, combined in a fixed order. Uses `left`. */
export const overRows = (name: string, combine: string, { subgroupSize }: AttentionVariant) =>
  subgroupSize > 0
    ? laneSum(name, {
        ...{ type: 'vec4f', combine },
        ...{ lanes: SHARING, groupSize: INVOCATIONS, subgroupSize: Math.min(subgroupSize, SHARING) },
      })
    : `
fn ${name}_of(a: vec4f, b: vec4f) -> vec4f { return ${combine}; }
fn ${name}(lane: u32, value: vec4f) -> vec4f {
  let four = lane / ${SHARING}u;
  left[lane % ${SHARING}u * 8u + four] = value;
  workgroupBarrier();
  var all = left[four];
  for (var i = 1u; i < ${SHARING}u; i++) { all = ${name}_of(all, left[i * 8u + four]); }
  return all;
}`;

/** Writes the sums, times `factor`, to the rows of the block. */
export const writeSums = ({ chunks, packing }: AttentionVariant, name: string, to: string, factor: string) =>
  Array.from(
    { length: chunks * 2 },
    (_, column) => `
  if (other + ${column * 16}u < sizes.width) {
    let numbers = ${name}${column} * ${factor};
    for (var i = 0u; i < min(4u, block_rows - min(block_rows, four * 4u)); i++) {
      ${to}[(begin + first + four * 4u + i) * sizes.hidden + head * sizes.width + ${column * 16}u + other] = ${storedNumber(packing, 'numbers[i]')};
    }
  }`,
  ).join('');
