/** @file Node. Runs matrix products: chooses tile and variant, and adds up the pieces of a long inner axis in order. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Activation } from '../../../model/kernels/linear.ts';
import { type Element, numbered, type Program, remembered } from '../program.ts';
import { packingOf, singlePackingOf } from './fours.ts';
import type { Call, WebgpuPrecision } from './kernel.ts';
import { type ProductVariant, productProgram } from './productProgram.ts';
import { type Cut, cutProduct } from './productTiles.ts';
import { emptyGradientRows, emptyRows } from './rowTensors.ts';
import { GROUP_SIZE, mainOf, twoSum } from './wgsl.ts';

/** C [M, N] = A [M, K] · B [K, N] */
export interface ProductShape {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** A factor in memory: one tensor, or one a layer. */
export interface Factor {
  readonly tensors: readonly TensorInfo[];
  /** It lies with its axes the other way round: A as [K, M], B as [N, K]. */
  readonly transposed: boolean;
}

export interface Factors {
  readonly a: Factor;
  readonly b: Factor;
}

/** By the contiguous axes of A, B and C. */
const packingIn = (precision: WebgpuPrecision, { rows, columns, inner }: ProductShape, { a, b }: Factors) =>
  packingOf(precision, columns, a.transposed ? rows : inner, b.transposed ? inner : columns);

interface Work {
  readonly shape: ProductShape;
  readonly factors: Factors;
  readonly cut: Cut;
  readonly layers: number;
  readonly result: ProductVariant['result'];
  /** C by layer, or one tensor for all layers and pieces. */
  readonly c: readonly TensorInfo[];
  readonly others: Readonly<Record<string, TensorInfo>>;
  readonly biases?: readonly TensorInfo[];
  readonly isGradient: boolean;
  readonly storesSingle: boolean;
}

function run(call: Call, work: Work): void {
  const { shape, factors, cut, layers, result, c, others, biases = [], isGradient, storesSingle } = work;
  const { a, b } = factors;
  const { tile, pieces, pieceLength, isFine } = cut;
  const program = productProgram({
    buffers: { a: a.tensors.length, b: b.tensors.length, c: c.length },
    adds: layers === 1 && a.tensors.length > 1,
    transposeA: a.transposed,
    transposeB: b.transposed,
    packing: packingIn(call.precision, shape, factors),
    // Of products in 32 bits these are no variants.
    isGradient: call.precision === 'fp16' && isGradient,
    storesSingle: call.precision === 'fp16' && storesSingle,
    ...{ tile, isFine },
    precision: call.precision,
    result,
  });
  const named = (name: string, tensors: readonly TensorInfo[]) =>
    Object.fromEntries(numbered(name, tensors.length).map((each, layer) => [each, tensors[layer]!]));
  call.programs.run(program, {
    inputs: { ...named('a', a.tensors), ...named('b', b.tensors), ...named('bias', biases) },
    outputs: { ...named('c', c), ...others },
    sizes: {
      ...shape,
      ...{ pieces, pieceLength, zero: 0 },
    },
    groups: [Math.ceil(shape.columns / tile.size), Math.ceil(shape.rows / tile.size), layers * pieces],
  });
}

/**
 * y = act(x·Wᵀ + b) of each layer, in 32 bits where it is what a network answers, and with `before` (one layer only) what went into
 * the activation.
 */
export function linearProduct(
  call: Call,
  { shape, factors, biases }: { shape: ProductShape; factors: Factors; biases: readonly TensorInfo[] },
  { activation, before, isAnswer }: { activation: Activation; before: boolean; isAnswer: boolean },
): TensorInfo[] {
  const layers = biases.length;
  const size = [shape.rows, shape.columns];
  const packing = packingIn(isAnswer ? 'fp32' : call.precision, shape, factors);
  const c = biases.map(() => emptyRows(call, packing, size));
  const kept = before ? [emptyRows(call, packing, size)] : [];
  run(call, {
    ...{ shape, factors, biases, layers, c, isGradient: false, storesSingle: isAnswer },
    cut: cutProduct(shape, { layers, splits: 'not' }),
    result: { kind: 'linear', activation, before },
    others: before ? { before0: kept[0]! } : {},
  });
  return [...c, ...kept];
}

/** The sum over all tensors of A and B of their product, [M, N]; A is a gradient, and so is what comes out. */
export function gradientProduct(call: Call, shape: ProductShape, factors: Factors): TensorInfo {
  const { rows, columns } = shape;
  const size = [rows, columns];
  const cut = cutProduct(shape, { splits: 'whereLong' });
  const result = { kind: 'store' } as const;
  const common = { shape, factors, cut, layers: 1, isGradient: true, result, others: {} };
  if (cut.pieces === 1) {
    const c = emptyGradientRows(call, packingIn(call.precision, shape, factors), size);
    run(call, { ...common, c: [c], storesSingle: false });
    return c;
  }
  const c = call.programs.empty(size);
  const parts = call.programs.empty([cut.pieces, rows, columns]);
  run(call, { ...common, c: [parts], storesSingle: true });
  addPieces(call, { parts, pieces: cut.pieces, c: [c] });
  return c;
}

/** Aᵀ·B of each layer, [M, N], and the sums of A over its rows, [M]; A is a gradient (of dWeight: dBias beside it). */
export function productWithSums(
  call: Call,
  shape: ProductShape,
  factors: Factors,
): { readonly products: TensorInfo[]; readonly sums: TensorInfo[] } {
  const layers = factors.a.tensors.length;
  const { rows, columns } = shape;
  const products = factors.a.tensors.map(() => call.programs.empty([rows, columns]));
  const sums = factors.a.tensors.map(() => call.programs.empty([rows]));
  const cut = cutProduct(shape, { layers, splits: 'finely' });
  const common = {
    shape,
    factors,
    cut,
    layers,
    isGradient: true,
    storesSingle: true,
    result: { kind: 'columns' },
  } as const;
  if (cut.pieces === 1 && layers === 1) {
    run(call, { ...common, c: products, others: { sums0: sums[0]! } });
    return { products, sums };
  }
  const parts = call.programs.empty([layers * cut.pieces, rows, columns]);
  const sumParts = call.programs.empty([layers * cut.pieces, rows]);
  run(call, { ...common, c: [parts], others: { sums0: sumParts } });
  addPieces(call, { parts, pieces: cut.pieces, c: products, sums: { parts: sumParts, c: sums } });
  return { products, sums };
}

interface Pieces {
  /** [layers * pieces, …]; freed */
  readonly parts: TensorInfo;
  readonly pieces: number;
  readonly c: readonly TensorInfo[];
  readonly sums?: { readonly parts: TensorInfo; readonly c: readonly TensorInfo[] };
}

interface AdditionVariant {
  readonly layers: number;
  readonly fours: boolean;
  readonly withSums: boolean;
}

/** `sum` of all pieces at a place; what additions lose is kept beside it. */
const sumOfPieces = (parts: string, length: string, add: string) => `
    var sum = ${parts}[begin * sizes.${length} + at];
    var rest = sum * 0.0;
    for (var i = 1u; i < sizes.pieces; i++) {
      let both = ${add}(sum, ${parts}[(begin + i) * sizes.${length} + at]);
      sum = both.sum;
      rest += both.rest;
    }
    sum += rest;`;

const addition = remembered(({ layers, fours, withSums }: AdditionVariant): Program => {
  const element: Element = fours ? 'vec4<f32>' : 'f32';
  const of = (name: string, type: Element) =>
    Object.fromEntries(numbered(name, layers).map((each) => [each, type]));
  const store = (name: string) =>
    numbered(name, layers)
      .map((each, layer) => `if (group.y == ${layer}u) { ${each}[at] = sum; }`)
      .join('\n');
  return {
    name: `add pieces ${layers} ${fours ? 4 : 1}${withSums ? ' sums' : ''}`,
    inputs: { parts: element, ...(withSums ? { sumParts: 'f32' } : {}) },
    outputs: { ...of('c', element), ...(withSums ? of('sums', 'f32') : {}) },
    sizes: { pieces: 'u32', products: 'u32', sumLength: 'u32', zero: 'u32' },
    source: `
${twoSum('two_sum', element)}
${withSums && fours ? twoSum('two_sum_of_column', 'f32') : ''}
${mainOf()} {
  let place = group.x * ${GROUP_SIZE}u + lane;
  let begin = group.y * sizes.pieces;
  if (place < sizes.products) {
    let at = place;
    ${sumOfPieces('parts', 'products', 'two_sum')}
    ${store('c')}
  }
  ${
    withSums
      ? `else if (place - sizes.products < sizes.sumLength) {
    let at = place - sizes.products;
    ${sumOfPieces('sumParts', 'sumLength', fours ? 'two_sum_of_column' : 'two_sum')}
    ${store('sums')}
  }`
      : ''
  }
}`,
  };
});

/** Adds up pieces from the first to the last. */
function addPieces(call: Call, { parts, pieces, c, sums }: Pieces): void {
  const [first] = c as readonly [TensorInfo];
  const size = first.shape.reduce((all, axis) => all * axis, 1);
  const fours = singlePackingOf(size) !== 'ones';
  const products = fours ? size / 4 : size;
  const sumLength = sums === undefined ? 0 : sums.c[0]!.shape[0]!;
  const named = (name: string, tensors: readonly TensorInfo[]) =>
    Object.fromEntries(numbered(name, tensors.length).map((each, layer) => [each, tensors[layer]!]));
  call.programs.run(addition({ layers: c.length, fours, withSums: sums !== undefined }), {
    inputs: { parts, ...(sums === undefined ? {} : { sumParts: sums.parts }) },
    outputs: { ...named('c', c), ...(sums === undefined ? {} : named('sums', sums.c)) },
    sizes: { pieces, products, sumLength, zero: 0 },
    groups: [Math.ceil((products + sumLength) / GROUP_SIZE), c.length],
  });
  for (const tensor of [parts, ...(sums === undefined ? [] : [sums.parts])]) call.programs.free(tensor);
}
