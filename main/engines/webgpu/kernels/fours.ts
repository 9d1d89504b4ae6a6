/**
 * @file Node. Matrices read four numbers at a time: as vectors where their rows allow it, number by number where a width is
 * odd. All are the same WGSL to the reader: `NAME_four(first, count)` gives the numbers from `first` on, and zeros in the
 * place of those that are not among the next `count`.
 */
import type { Element, NumberType } from '../program.ts';
import type { WebgpuPrecision } from './kernel.ts';

/** How rows of a matrix lie: number by number, or in fours of 32 or of 16 bits. */
export type Packing = 'ones' | 'fours' | 'halves';

/** Of rows of these widths, where activations and their gradients are kept in a precision. */
export function packingOf(precision: WebgpuPrecision, ...widths: readonly number[]): Packing {
  if (widths.some((width) => width % 4 !== 0)) return 'ones';
  return precision === 'fp16' ? 'halves' : 'fours';
}

/** Of rows of these widths in 32 bits. */
export const singlePackingOf = (...widths: readonly number[]) => packingOf('fp32', ...widths);

/** How what stays in 32 bits lies beside rows of a packing. */
export const inSingle = (packing: Packing): Packing => (packing === 'halves' ? 'fours' : packing);

const ELEMENTS: Readonly<Record<Packing, Element>> = {
  ones: 'f32',
  fours: 'vec4<f32>',
  halves: 'vec4<f16>',
};

/** How a program binds its matrices. */
export const elementOf = (packing: Packing): Element => ELEMENTS[packing];

/** How a program binds a matrix that it writes number by number. */
export const numberOf = (packing: Packing) => (packing === 'halves' ? 'f16' : 'f32');

/** What is written to such a matrix. */
export const storedNumber = (packing: Packing, value: string) =>
  packing === 'halves' ? `to_half(${value})` : value;

/** `first` and `count` are multiples of four where the matrix has fours. */
export const readFour = (name: string, packing: Packing) => reading(name, packing, '');

/** The same of a gradient. The program has `GRADIENT_SIZES`, and `gradients` names the matrix. */
export const readGradient = (name: string, packing: Packing) =>
  reading(name, packing, packing === 'halves' ? ' / sizes.gradientScale' : '');

/** `NAME_put(first, count, numbers)` writes what is among the next `count`. */
export const writeFour = (name: string, packing: Packing) => writing(name, packing, '');

/** The same of a gradient, as `readGradient`. */
export const writeGradient = (name: string, packing: Packing) =>
  writing(name, packing, packing === 'halves' ? ' * sizes.gradientScale' : '');

/** Sizes of programs that read or write gradients. */
export const GRADIENT_SIZES: Readonly<Record<string, NumberType>> = { gradientScale: 'f32' };

/** What a program tells of its gradients: of those in 32 bits nothing. */
export const gradientsOf = (packing: Packing, ...names: readonly string[]) =>
  packing === 'halves' ? { gradients: names } : {};

const reading = (name: string, packing: Packing, factor: string) =>
  packing === 'ones'
    ? `
fn ${name}_four(first: u32, count: u32) -> vec4f {
  var numbers = vec4f(0.0);
  for (var i = 0u; i < min(count, 4u); i++) { numbers[i] = ${name}[first + i]; }
  return numbers;
}`
    : `
fn ${name}_four(first: u32, count: u32) -> vec4f { return vec4f(${name}[first >> 2u])${factor}; }`;

const writing = (name: string, packing: Packing, factor: string) =>
  packing === 'ones'
    ? `
fn ${name}_put(first: u32, count: u32, numbers: vec4f) {
  for (var i = 0u; i < min(count, 4u); i++) { ${name}[first + i] = numbers[i]; }
}`
    : `
fn ${name}_put(first: u32, count: u32, numbers: vec4f) {
  ${name}[first >> 2u] = ${packing === 'halves' ? `to_half4(numbers${factor})` : 'numbers'};
}`;
