/**
 * @file Node. The WGSL of matrix products: C [M, N] = A [M, K] · B [K, N]. A workgroup makes a square tile of C; pieces
 * of A and B lie in workgroup memory, fours along M and N; an invocation keeps 4 x 4 or 8 x 8 sums in registers.
 */
import type { Activation } from '../../../model/kernels/linear.ts';
import { type NumberType, numbered, type Program, remembered } from '../program.ts';
import { activationWgsl } from './activations.ts';
import { elementOf, GRADIENT_SIZES, gradientsOf, inSingle, type Packing } from './fours.ts';
import type { WebgpuPrecision } from './kernel.ts';
import { loadOf, readOf } from './productLoads.ts';
import type { Tile } from './productTiles.ts';
import { times, twoSum } from './wgsl.ts';

export interface ProductVariant {
  /** Buffers of A, B and C: one, or one a layer. */
  readonly buffers: { readonly a: number; readonly b: number; readonly c: number };
  /** The products of all layers are added up. */
  readonly adds: boolean;
  /** A lies as [K, M] in memory; B as [N, K]. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** `fours` and `halves`: all contiguous axes are multiples of 4, for loads and stores of four numbers. */
  readonly packing: Packing;
  readonly tile: Tile;
  /**
   * Four products are added up before they are added to the sum (as `columns` always are), and what that addition loses is
   * kept: more exact, in thrice the registers.
   */
  readonly isFine: boolean;
  /** Of what lies in workgroup memory. */
  readonly precision: WebgpuPrecision;
  /** Whether A is a gradient: it is multiplied by `gradientScale` before it is rounded, and so is C where it has 16 bits. */
  readonly isGradient: boolean;
  /** Of C, and of what `before` keeps: 32 bits all the same where factors have 16. */
  readonly storesSingle: boolean;
  /**
   * What becomes of a sum: `store` as it is, one [M, N] after another for each layer and piece of K; `columns` the same
   * beside the sums of A over K, [M] (of dWeight: dBias); `linear` with bias and activation, `before` keeps what went
   * into it.
   */
  readonly result:
    | { readonly kind: 'store' | 'columns' }
    | { readonly kind: 'linear'; readonly activation: Activation; readonly before: boolean };
}

/** Of a call: `pieceLength` of K for a workgroup, and how many `pieces` there are. */
export const PRODUCT_SIZES: Readonly<Record<string, NumberType>> = {
  rows: 'u32',
  columns: 'u32',
  inner: 'u32',
  pieces: 'u32',
  pieceLength: 'u32',
  zero: 'u32',
  ...GRADIENT_SIZES,
};

export const productProgram = remembered((variant: ProductVariant): Program => {
  const { adds, buffers, packing, isFine, tile, precision, result, transposeA, transposeB } = variant;
  const { isGradient, storesSingle } = variant;
  const [element, single] = [elementOf(packing), elementOf(inSingle(packing))];
  const stored = storesSingle ? single : element;
  const named = (name: string, count: number, type = element) =>
    Object.fromEntries(numbered(name, count).map((each) => [each, type]));
  const isLinear = result.kind === 'linear';
  const activation = isLinear ? result.activation : 'none';
  const kept = isLinear && result.before;
  return {
    name: [
      `product ${transposeA ? 'km' : 'mk'} ${transposeB ? 'nk' : 'kn'}`,
      `${buffers.a}${buffers.b}${buffers.c}${adds ? ' added' : ''} in ${packing}${storesSingle ? ' to single' : ''} ${tile.size}${isFine ? ' fine' : ''} ${precision}${isGradient ? ' gradient' : ''}`,
      `${result.kind} ${activation}${kept ? ' before' : ''}`,
    ].join(' '),
    inputs: {
      ...named('a', buffers.a),
      ...named('b', buffers.b),
      ...(isLinear ? named('bias', buffers.b, single) : {}),
    },
    outputs: {
      ...named('c', buffers.c, stored),
      ...(kept ? { before0: stored } : {}),
      ...(result.kind === 'columns' ? { sums0: 'f32' } : {}),
    },
    ...(isGradient ? gradientsOf(packing, ...numbered('a', buffers.a), ...numbered('c', buffers.c)) : {}),
    sizes: PRODUCT_SIZES,
    extensions: precision === 'fp16' ? ['f16'] : [],
    source: sourceOf(variant),
  };
});

function sourceOf(variant: ProductVariant): string {
  const { adds, buffers, isFine, tile, transposeA, transposeB, result, precision } = variant;
  const { size, inner, side, registers } = tile;
  const vectors = registers / 4;
  const element = precision === 'fp16' ? 'f16' : 'f32';
  const rowVectors = size / 4;
  const products = numbered('c', registers).flatMap((row) => numbered(`${row}_`, vectors));
  const columns = result.kind === 'columns' ? numbered('sum', vectors) : [];
  const inParts = isFine ? [...products, ...columns] : columns;
  return `
${activationWgsl(result.kind === 'linear' ? result.activation : 'none')}
var<workgroup> tileA: array<vec4<${element}>, ${inner * rowVectors}>;
var<workgroup> tileB: array<vec4<${element}>, ${inner * rowVectors}>;
${isFine ? twoSum('two_sum', 'vec4<f32>') : ''}
${readOf('a', variant)}
${readOf('b', variant)}
${loadOf('A', transposeA, variant)}
${loadOf('B', !transposeB, variant)}
${storeOf('c', buffers.c, variant)}
${result.kind === 'linear' ? `${biasOf(variant)}\n${result.before ? storeOf('before', 1, variant) : ''}` : ''}
@compute @workgroup_size(${side * side})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row0 = group.y * ${size}u;
  let column0 = group.x * ${size}u;
  let layer = group.z / sizes.pieces;
  let begin = (group.z % sizes.pieces) * sizes.pieceLength;
  let end = min(begin + sizes.pieceLength, sizes.inner);
  let ty = lane / ${side}u;
  let tx = lane % ${side}u;
  ${[...products, ...columns].map((sum) => `var ${sum} = vec4f(0.0);`).join('\n')}
  ${isFine ? inParts.map((sum) => `var rest_${sum} = vec4f(0.0);`).join('\n') : ''}
  ${adds ? `for (var factor = 0u; factor < ${buffers.a}u; factor++) {` : 'let factor = layer;'}
  for (var k = begin; k < end; k += ${inner}u) {
    ${times((2 * inner * size) / 16 / (side * side), (part) => loadCall(part, tile))}
    workgroupBarrier();
    for (var k4 = 0u; k4 < ${inner / 4}u; k4++) {
      ${inParts.map((sum) => `let before_${sum} = ${sum}; ${sum} = vec4f(0.0);`).join('\n')}
      ${stepsOf(variant)}
      ${inParts.map(isFine ? addKeepingRest : (sum) => `${sum} += before_${sum};`).join('\n')}
    }
    workgroupBarrier();
  }
  ${adds ? '}' : ''}
  ${isFine ? inParts.map((sum) => `${sum} += rest_${sum};`).join('\n') : ''}
  ${endOf(variant)}
  ${result.kind === 'columns' ? columnsEnd(variant) : ''}
}`;
}

const addKeepingRest = (sum: string) => `{
  let both = two_sum(before_${sum}, ${sum});
  ${sum} = both.sum;
  rest_${sum} += both.rest;
}`;

/** Half of the blocks are A's, half B's; an invocation loads one or two. */
function loadCall(part: number, { size, inner, side }: Tile): string {
  const half = (inner * size) / 16;
  const first = part * side * side;
  if (first + side * side <= half) return `load_A(factor, row0, k, lane + ${first}u);`;
  if (first >= half) return `load_B(factor, column0, k, lane + ${first - half}u);`;
  return `if (lane < ${half}u) { load_A(factor, row0, k, lane); } else { load_B(factor, column0, k, lane - ${half}u); }`;
}

/** Four k. Where a step is long already a loop does: unrolled four times it takes drivers seconds to compile. */
function stepsOf(variant: ProductVariant): string {
  return variant.tile.registers === 8
    ? `for (var step = 0u; step < 4u; step++) ${stepOf('step', variant)}`
    : times(4, (step) => stepOf(`${step}u`, variant));
}

/**
 * One k: outer product of a column of A's tile and a row of B's. Factors in 16 bits are multiplied in 32, where a product of two is
 * exact and cannot overflow: a conversion for each of the factors instead of one for each of the products.
 */
function stepOf(step: string, { tile, result }: ProductVariant): string {
  const { size, side, registers } = tile;
  const vectors = registers / 4;
  const read = (factor: 'A' | 'B', at: string, vector: number) =>
    `let ${factor.toLowerCase()}${vector} = vec4f(tile${factor}[(k4 * 4u + ${step}) * ${size / 4}u + ((${at} + ${vector * side}u) ^ (k4 & 7u))]);`;
  return `{
  ${times(vectors, (vector) => `${read('A', 'ty', vector)} ${read('B', 'tx', vector)}`)}
  ${times(registers, (row) =>
    times(vectors, (vector) => {
      const sum = `c${row}_${vector}`;
      const factor = `a${Math.floor(row / 4)}[${row % 4}]`;
      return `${sum} = fma(vec4f(${factor}), b${vector}, ${sum});`;
    }),
  )}
  ${
    result.kind === 'columns'
      ? `if (group.x == 0u) { ${times(vectors, (vector) => `sum${vector} += a${vector};`)} }`
      : ''
  }
}`;
}

/** `store_c(layer, index, count, value)`: the first `count` of four numbers; index in numbers. */
function storeOf(name: string, count: number, { packing, storesSingle }: ProductVariant): string {
  const isHalf = packing === 'halves' && !storesSingle;
  const put = (at: number) =>
    packing !== 'ones'
      ? `${name}${at}[index / 4u] = ${isHalf ? 'to_half4(value)' : 'value'};`
      : times(4, (i) => `if (${i}u < count) { ${name}${at}[index + ${i}u] = value[${i}]; }`);
  const body =
    count === 1
      ? put(0)
      : `switch layer { ${times(count - 1, (at) => `case ${at}u: { ${put(at)} }`)} default: { ${put(count - 1)} } }`;
  return `fn store_${name}(layer: u32, index: u32, count: u32, value: vec4f) { ${body} }`;
}

function biasOf({ buffers: { b }, packing }: ProductVariant): string {
  const read = (at: number) =>
    packing !== 'ones'
      ? `return bias${at}[column / 4u];`
      : `var four = vec4f(0.0);
    ${times(4, (i) => `if (column + ${i}u < sizes.columns) { four[${i}] = bias${at}[column + ${i}u]; }`)}
    return four;`;
  const body =
    b === 1
      ? read(0)
      : `switch layer { ${times(b - 1, (at) => `case ${at}u: { ${read(at)} }`)} default: { ${read(b - 1)} } }`;
  return `fn biasOf(layer: u32, column: u32) -> vec4f { ${body} }`;
}

/** What a sum becomes its true size by. */
const unscaled = ({ precision, isGradient }: ProductVariant) =>
  precision === 'fp16' && isGradient ? ' / sizes.gradientScale' : '';

/** All sums to their places. */
function endOf(variant: ProductVariant): string {
  const { tile, result, buffers, packing, storesSingle } = variant;
  const { side, registers } = tile;
  const vectors = registers / 4;
  const all = Array.from(
    { length: registers * vectors },
    (_, at) => `c${Math.floor(at / vectors)}_${at % vectors}`,
  );
  const part = buffers.c === 1 ? 'group.z * sizes.rows * sizes.columns + ' : '';
  const store =
    result.kind === 'linear'
      ? `let before = value + biasOf(layer, column);
    ${result.before ? 'store_before(0u, index, sizes.columns - column, before);' : ''}
    store_c(layer, index, sizes.columns - column, activated(before));`
      : 'store_c(layer, index, sizes.columns - column, value);';
  return `var all = array<vec4f, ${all.length}>(${all.join(', ')});
  for (var i = 0u; i < ${all.length}u; i++) {
    let row = row0 + (ty + (i / ${4 * vectors}u) * ${side}u) * 4u + (i / ${vectors}u) % 4u;
    let column = column0 + (tx + (i % ${vectors}u) * ${side}u) * 4u;
    if (row < sizes.rows && column < sizes.columns) {
      let index = ${part}row * sizes.columns + column;
      let value = all[i]${packing === 'halves' && !storesSingle ? '' : unscaled(variant)};
      ${store}
    }
  }`;
}

function columnsEnd(variant: ProductVariant): string {
  const { registers, side } = variant.tile;
  const scale = unscaled(variant);
  const all = Array.from({ length: registers / 4 }, (_, vector) => `sum${vector}`);
  return `if (group.x == 0u && tx == 0u) {
    var sums = array<vec4f, ${all.length}>(${all.join(', ')});
    for (var i = 0u; i < ${registers}u; i++) {
      let row = row0 + (ty + (i / 4u) * ${side}u) * 4u + i % 4u;
      if (row < sizes.rows) { sums0[group.z * sizes.rows + row] = sums[i / 4u][i % 4u]${scale}; }
    }
  }`;
}
