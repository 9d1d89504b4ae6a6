/**
 * @file Node. Dropout by place (main/model/dropout.ts) in WGSL, the same bits as everywhere else, and EntailDropoutMask for
 * composites.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type DropoutSource, dropThreshold } from '../../../model/dropout.ts';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import type { RowLayout } from '../../../model/packedBatch.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import type { NumberType, Program } from '../program.ts';
import type { Call, KernelTable } from './kernel.ts';
import { checkedLayout, pairPlaces } from './layout.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

/** What a program that may drop is told. */
export const DROPOUT_SIZES = {
  dropThreshold: 'u32',
  dropScale: 'f32',
  dropSeed: 'u32',
  dropStep: 'u32',
  dropPlace: 'u32',
} as const satisfies Record<string, NumberType>;

/** The numbers for `DROPOUT_SIZES`: a threshold of 0 where nothing is dropped. */
export function dropoutSizes(dropout: DropoutSource | null, place: number) {
  const { rate, seed, step } = dropout ?? { rate: 0, seed: 0, step: 0 };
  return {
    dropThreshold: dropThreshold(rate),
    dropScale: 1 / (1 - rate),
    dropSeed: seed,
    dropStep: step,
    dropPlace: place,
  };
}

/**
 * Philox4x32-10: four words of a counter and a key. WGSL has no product of 64 bits, so its upper half is made of products
 * of 16-bit halves, none of which exceeds 32 bits.
 */
export const PHILOX = `
fn high_product(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let cross = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (cross >> 16u);
}
fn philox(counter: vec4u, first_key: vec2u) -> vec4u {
  var c = counter;
  var key = first_key;
  for (var round = 0; round < 10; round++) {
    c = vec4u(high_product(0xcd9e8d57u, c.z) ^ c.y ^ key.x, 0xcd9e8d57u * c.z,
              high_product(0xd2511f53u, c.x) ^ c.w ^ key.y, 0xd2511f53u * c.x);
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}`;

/**
 * `drawn(pair, block)`: which of the elements 4 · block .. 4 · block + 3 of a pair are kept, `pair` being its index in the
 * optimizer batch. `factors4(pair, element)`: what four elements from `element` on are multiplied by.
 */
export const DROPOUT = `${PHILOX}
fn drawn(pair: u32, block: u32) -> vec4<bool> {
  let words = philox(vec4u(block, pair, sizes.dropStep, 0u), vec2u(sizes.dropSeed, sizes.dropPlace));
  return words >= vec4u(sizes.dropThreshold);
}
fn factors4(pair: u32, element: u32) -> vec4f {
  if (sizes.dropThreshold == 0u) { return vec4f(sizes.dropScale); }
  let skip = element & 3u;
  var kept = drawn(pair, element >> 2u);
  if (skip != 0u) {
    let next = drawn(pair, (element >> 2u) + 1u);
    if (skip == 1u) { kept = vec4<bool>(kept.yzw, next.x); }
    else if (skip == 2u) { kept = vec4<bool>(kept.zw, next.xy); }
    else { kept = vec4<bool>(kept.w, next.xyz); }
  }
  return select(vec4f(0.0), vec4f(sizes.dropScale), kept);
}`;

/** Attributes of the mask: of rows [R, width], or of attention weights [P, N, queries, T] where `shape` has four sizes. */
interface MaskAttributes {
  readonly shape: readonly number[];
  readonly source: DropoutSource;
  readonly place: number;
  readonly layout: RowLayout;
}

/**
 * A row of the mask has `width` numbers, of which the pair has the first `lengths`; places [rows, 4] say which pair it is
 * of and where in the pair its elements begin.
 */
const MASK: Program = {
  name: 'dropoutMask',
  inputs: { places: 'vec4<u32>' },
  outputs: { mask: 'f32' },
  sizes: { rows: 'u32', width: 'u32', ...DROPOUT_SIZES },
  source: `${DROPOUT}
${mainOf()} {
  let blocks = (sizes.width + 3u) / 4u;
  let at = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  let row = at / blocks;
  if (row >= sizes.rows) { return; }
  let place = places[row];
  let column = at % blocks * 4u;
  let factors = factors4(place.x, place.y + column);
  for (var i = 0u; i < 4u; i++) {
    if (column + i < sizes.width) {
      mask[row * sizes.width + column + i] = select(0.0, factors[i], column + i < place.z);
    }
  }
}`,
};

/** -> the mask, 0 or 1 / (1 - p) at every element; 0 where a pair has none. */
function dropoutMask(call: Call): TensorInfo {
  const { shape, source, place, layout } = call.attributes as unknown as MaskAttributes;
  const width = shape.at(-1)!;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  checkedLayout(call.name, layout, shape.length === 2 ? rows : null);
  const mask = call.programs.empty(shape);
  call.programs.run(MASK, {
    inputs: { places: maskPlaces(layout, shape) },
    outputs: { mask },
    sizes: { rows, width, ...dropoutSizes(source, place) },
    groups: [Math.ceil((rows * Math.ceil(width / 4)) / GROUP_SIZE)],
  });
  return mask;
}

/** [rows, 4]: index of the pair, its first element in this row of the mask, and how many there are. */
function maskPlaces(layout: RowLayout, shape: readonly number[]): Uint32Array {
  const width = shape.at(-1)!;
  const places: number[] = [];
  if (shape.length === 2)
    for (const { pairIndex, length } of pairPlaces(layout))
      for (let row = 0; row < length; row++) places.push(pairIndex, row * width, width, 0);
  else
    for (const { pairIndex, length } of pairPlaces(layout))
      for (let head = 0; head < shape[1]!; head++)
        for (let query = 0; query < shape[2]!; query++)
          places.push(pairIndex, (head * length + query) * length, query < length ? length : 0, 0);
  return Uint32Array.from(places);
}

export const dropoutKernels: KernelTable = [[KERNELS.dropoutMask, dropoutMask]];
