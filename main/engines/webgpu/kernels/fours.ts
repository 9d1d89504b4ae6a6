/**
 * @file Node. Matrices read four numbers at a time: as vectors where their rows allow it, number by number where a width is
 * odd. Both are the same WGSL to the reader: `NAME_four(first, count)` gives the numbers from `first` on, and zeros in the
 * place of those that are not among the next `count`.
 */
import type { Element } from '../program.ts';

/** Whether rows of each of these widths can be read as vectors. */
export const packs = (...widths: readonly number[]) => widths.every((width) => width % 4 === 0);

/** How a program binds its matrices. */
export const elementOf = (packed: boolean): Element => (packed ? 'vec4<f32>' : 'f32');

/** `first` and `count` are multiples of four where the matrix is packed. */
export const readFour = (name: string, packed: boolean) =>
  packed
    ? `
fn ${name}_four(first: u32, count: u32) -> vec4f { return ${name}[first >> 2u]; }`
    : `
fn ${name}_four(first: u32, count: u32) -> vec4f {
  var numbers = vec4f(0.0);
  for (var i = 0u; i < min(count, 4u); i++) { numbers[i] = ${name}[first + i]; }
  return numbers;
}`;

/** `NAME_put(first, count, numbers)` writes what is among the next `count`. */
export const writeFour = (name: string, packed: boolean) =>
  packed
    ? `
fn ${name}_put(first: u32, count: u32, numbers: vec4f) { ${name}[first >> 2u] = numbers; }`
    : `
fn ${name}_put(first: u32, count: u32, numbers: vec4f) {
  for (var i = 0u; i < min(count, 4u); i++) { ${name}[first + i] = numbers[i]; }
}`;
