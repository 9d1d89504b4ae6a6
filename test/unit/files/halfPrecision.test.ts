/** @file Runs in tests. 16-bit floats: every one of them there and back, and how what lies between is rounded. */
import { expect, it } from 'vitest';
import { narrowFloat16, widenFloat16 } from '../../../main/files/halfPrecision.ts';

it('gives every number back, not-a-number as one', () => {
  const all = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits);
  const wide = widenFloat16(all);
  const back = narrowFloat16(wide);
  const wrong = [...all.keys()].filter((bits) =>
    Number.isNaN(wide[bits]) ? (back[bits]! & 0x7fff) <= 0x7c00 : back[bits] !== bits,
  );
  expect(wrong).toEqual([]);
});

it('rounds to the nearest, and to the even one in the middle', () => {
  const finite = Uint16Array.from({ length: 0x7bff }, (_, bits) => bits);
  const wide = widenFloat16(Uint16Array.from([...finite, 0x7bff]));
  const middles = Float32Array.from(finite, (_, at) => (wide[at]! + wide[at + 1]!) / 2);
  const even = narrowFloat16(middles);
  expect([...finite].filter((bits) => even[bits] !== bits + (bits & 1))).toEqual([]);
  const nudged = (factor: number) => narrowFloat16(middles.map((value) => Math.fround(value * factor)));
  const [below, above] = [nudged(1 - 2 ** -20), nudged(1 + 2 ** -20)];
  expect([...finite].filter((bits) => below[bits] !== bits || above[bits] !== bits + 1)).toEqual([]);
});

it('makes what is too large an infinity, and keeps signs', () => {
  const values = Float32Array.of(65504, 65519, 65520, 1e30, Infinity, -65520, -0, -1e-30);
  expect([...narrowFloat16(values)]).toEqual([
    ...[0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00],
    ...[0xfc00, 0x8000, 0x8000],
  ]);
});
