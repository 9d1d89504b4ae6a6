/**
 * @file Node. WGSL of attention over packed rows. Nothing of the size [T, T] is stored: the softmax goes along with the keys
 * (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al., "FlashAttention", 2022), and the
 * way back computes the weights anew from each row's largest score and divisor.
 */

import { GROUP_INDEX } from '../dispatch.ts';
import { type Program, remembered } from '../program.ts';
import {
  ATTENTION_SIZES,
  type AttentionVariant,
  attentionHead,
  attentionMain,
  declareSums,
  overRows,
  products,
  variantName,
  weigh,
  writeSums,
} from './attentionTiles.ts';
import {
  elementOf,
  GRADIENT_SIZES,
  gradientsOf,
  numberOf,
  type Packing,
  readFour,
  readGradient,
} from './fours.ts';
import { extensionsFor } from './subgroupSums.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

const eachTile = (body: string) => `
  for (var tile = 0u; tile < length; tile += 32u) {
    let tile_rows = min(32u, length - tile);
    let has0 = other < tile_rows;
    let has1 = other + 16u < tile_rows;
    ${body}
  }`;

/** q, k, v [R, H] -> context [R, H], saved [R, N, 2]: largest score of each row, and 1 / the divisor of its softmax. */
export const attentionProgram = remembered((variant: AttentionVariant): Program => {
  const element = elementOf(variant.packing);
  return {
    name: variantName('attention', variant),
    inputs: { q: element, k: element, v: element, places: 'u32' },
    outputs: { context: numberOf(variant.packing), saved: 'f32' },
    sizes: ATTENTION_SIZES,
    extensions: extensionsFor(variant.subgroupSize),
    source: `${attentionHead(variant, 'forward')}
${overRows('most_of_rows', 'max(a, b)', variant)}${overRows('sum_of_rows', 'a + b', variant)}
${attentionMain(`
  var largest = vec4f(LOWEST);
  var divisor = vec4f(0.0);
  ${declareSums(variant, 'sum')}
  ${eachTile(`
    kept[lane] = kept_of(lane, first, tile, head, length, pair);
    ${products(variant, 'score', { mine: 'q', theirs: 'k', stored: [true, true] })}
    score0 *= sizes.scale;
    score1 *= sizes.scale;
    var most = largest;
    if (has0) { most = max(most, score0); }
    if (has1) { most = max(most, score1); }
    most = most_of_rows(lane, most);
    let shrink = exponential4(largest - most);
    largest = most;
    var weight0 = vec4f(0.0);
    var weight1 = vec4f(0.0);
    if (has0) { weight0 = exponential4(score0 - most); }
    if (has1) { weight1 = exponential4(score1 - most); }
    divisor = divisor * shrink + (weight0 + weight1);
    ${FACTORS_BY_QUERY}
    weight0 *= factors0;
    weight1 *= factors1;
    weights[other * 9u + four] = weight0;
    weights[other * 9u + 144u + four] = weight1;
    ${eachSum(variant, 'sum', (sum) => `${sum} *= shrink;`)}
    ${weigh(variant, 'sum', { theirs: 'v', stored: true })}
  `)}
  let inverse = 1.0 / sum_of_rows(lane, divisor);
  ${writeSums(variant, 'sum', 'context', 'inverse')}
  if (other == 0u) {
    for (var i = 0u; i < min(4u, block_rows - min(block_rows, four * 4u)); i++) {
      let at = ((begin + first + four * 4u + i) * sizes.heads + head) * 2u;
      saved[at] = largest[i];
      saved[at + 1u] = inverse[i];
    }
  }`)}`,
  };
});

/** Of the invocation's four queries and two keys; of its four keys and two queries. */
const FACTORS_BY_QUERY = factorsOf((i, key) => `factor_of(four * 4u + ${i}u, ${key})`);
const FACTORS_BY_KEY = factorsOf((i, query) => `factor_of(${query}, four * 4u + ${i}u)`);

function factorsOf(one: (i: number, other: string) => string): string {
  const all = (other: string) => `vec4f(${[0, 1, 2, 3].map((i) => one(i, other)).join(', ')})`;
  return `
    var factors0 = vec4f(1.0);
    var factors1 = vec4f(1.0);
    if (sizes.dropThreshold != 0u) {
      factors0 = ${all('other')};
      factors1 = ${all('other + 16u')};
    }`;
}

/** What a gradient is multiplied by where it is written. */
const ofGradient = ({ packing }: AttentionVariant, factor: string) =>
  packing === 'halves' ? `(${factor} * sizes.gradientScale)` : factor;

function eachSum({ chunks }: AttentionVariant, name: string, text: (sum: string) => string): string {
  return Array.from({ length: chunks * 2 }, (_, column) => text(`${name}${column}`)).join(' ');
}

/**
 * What the way back needs of each row and head: dy, context [R, H], saved [R, N, 2] -> terms [R, N, 4]: the two of `saved`,
 * and dy · context, which is the sum over all keys of a weight times its gradient.
 */
export const attentionTermsProgram = remembered(({ packing }: { readonly packing: Packing }): Program => {
  const element = elementOf(packing);
  return {
    name: `attentionTerms in ${packing}`,
    ...gradientsOf(packing, 'dy'),
    inputs: { dy: element, context: element, saved: 'f32' },
    outputs: { terms: 'vec4<f32>' },
    sizes: { count: 'u32', width: 'u32', ...GRADIENT_SIZES },
    source: `${readGradient('dy', packing)}${readFour('context', packing)}
${mainOf()} {
  let at = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  if (at >= sizes.count) { return; }
  var product = 0.0;
  for (var column = 0u; column < sizes.width; column += 4u) {
    let place = at * sizes.width + column;
    product += dot(dy_four(place, sizes.width - column), context_four(place, sizes.width - column));
  }
  terms[at] = vec4f(saved[at * 2u], saved[at * 2u + 1u], product, 0.0);
}`,
  };
});

/** dy, q, k, v [R, H], terms [R, N, 4] -> dq [R, H]. A block is of queries. */
export const attentionQueryGradientProgram = remembered((variant: AttentionVariant): Program => {
  const element = elementOf(variant.packing);
  const term = (i: number, part: string) =>
    `terms[(begin + min(first + four * 4u + ${i}u, length - 1u)) * sizes.heads + head].${part}`;
  const four = (part: string) => `vec4f(${[0, 1, 2, 3].map((i) => term(i, part)).join(', ')})`;
  return {
    name: variantName('attentionQueryGradient', variant),
    inputs: { dy: element, q: element, k: element, v: element, terms: 'vec4<f32>', places: 'u32' },
    outputs: { dq: numberOf(variant.packing) },
    ...gradientsOf(variant.packing, 'dy', 'dq'),
    sizes: { ...ATTENTION_SIZES, ...GRADIENT_SIZES },
    source: `${attentionHead(variant, 'back')}
${attentionMain(`
  let largest = ${four('x')};
  let inverse = ${four('y')};
  let shared_part = ${four('z')};
  ${declareSums(variant, 'sum')}
  ${eachTile(`
    kept[lane] = kept_of(lane, first, tile, head, length, pair);
    ${products(variant, 'score', { mine: 'q', theirs: 'k', stored: [true, true] })}
    ${products(variant, 'slope', { mine: 'dy', theirs: 'v', stored: [false, true] })}
    ${FACTORS_BY_QUERY}
    slope0 *= factors0;
    slope1 *= factors1;
    var gradient0 = vec4f(0.0);
    var gradient1 = vec4f(0.0);
    if (has0) { gradient0 = exponential4(score0 * sizes.scale - largest) * inverse * (slope0 - shared_part); }
    if (has1) { gradient1 = exponential4(score1 * sizes.scale - largest) * inverse * (slope1 - shared_part); }
    weights[other * 9u + four] = gradient0;
    weights[other * 9u + 144u + four] = gradient1;
    ${weigh(variant, 'sum', { theirs: 'k', stored: true })}
  `)}
  ${writeSums(variant, 'sum', 'dq', ofGradient(variant, 'sizes.scale'))}`)}`,
  };
});

/** dy, q, k, v [R, H], terms [R, N, 4] -> dk, dv [R, H]. A block is of keys. */
export const attentionKeyGradientProgram = remembered((variant: AttentionVariant): Program => {
  const element = elementOf(variant.packing);
  const termsOf = (query: string) => `terms[(begin + tile + ${query}) * sizes.heads + head]`;
  const each = (which: 0 | 1, query: string) => `
    if (has${which}) {
      let term = ${termsOf(query)};
      let weight = exponential4(score${which} * sizes.scale - term.x) * term.y;
      weight${which} = weight * factors${which};
      gradient${which} = weight * (slope${which} * factors${which} - term.z);
    }`;
  return {
    name: variantName('attentionKeyGradient', variant),
    inputs: { dy: element, q: element, k: element, v: element, terms: 'vec4<f32>', places: 'u32' },
    outputs: { dk: numberOf(variant.packing), dv: numberOf(variant.packing) },
    ...gradientsOf(variant.packing, 'dy', 'dk', 'dv'),
    sizes: { ...ATTENTION_SIZES, ...GRADIENT_SIZES },
    source: `${attentionHead(variant, 'back')}
${attentionMain(`
  ${declareSums(variant, 'of_k')}
  ${declareSums(variant, 'of_v')}
  ${eachTile(`
    kept[lane] = kept_of(lane, tile, first, head, length, pair);
    ${products(variant, 'score', { mine: 'k', theirs: 'q', stored: [true, true] })}
    ${products(variant, 'slope', { mine: 'v', theirs: 'dy', stored: [true, false] })}
    ${FACTORS_BY_KEY}
    var weight0 = vec4f(0.0);
    var weight1 = vec4f(0.0);
    var gradient0 = vec4f(0.0);
    var gradient1 = vec4f(0.0);
    ${each(0, 'other')}
    ${each(1, 'other + 16u')}
    weights[other * 9u + four] = weight0;
    weights[other * 9u + 144u + four] = weight1;
    ${weigh(variant, 'of_v', { theirs: 'dy', stored: false })}
    weights[other * 9u + four] = gradient0;
    weights[other * 9u + 144u + four] = gradient1;
    ${weigh(variant, 'of_k', { theirs: 'q', stored: true })}
  `)}
  ${writeSums(variant, 'of_k', 'dk', ofGradient(variant, 'sizes.scale'))}
  ${writeSums(variant, 'of_v', 'dv', ofGradient(variant, '1.0'))}`)}`,
  };
});
