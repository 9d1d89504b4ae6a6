/** @file Runs in tests. The generator against Random123's vectors, and dropout masks against the golden ones. */
import { describe, expect, it } from 'vitest';
import { fillDropoutMask } from '../../main/model/dropout.ts';
import { philox4x32 } from '../../main/model/philox.ts';
import { readFixture } from './fixtures.ts';

const fixture = readFixture('philox.json');

describe('Philox4x32-10', () => {
  it.each(fixture.vectors)('counter $counter, key $key', ({ counter, key, words }) => {
    const out = new Uint32Array(4);
    philox4x32(counter, key, out);
    expect([...out]).toEqual(words);
  });
});

describe('dropout masks by place', () => {
  it.each(fixture.masks)('p $probability, place $place, pair $pair, step $step', (mask) => {
    const { probability: rate, seed, place, pair, step, keep } = mask;
    const scale = Math.fround(1 / (1 - rate));
    const expected = [...keep].map((word) => (word === '1' ? scale : 0));
    const source = { rate, seed, step, microBatch: 0 };

    const whole = new Float32Array(keep.length);
    fillDropoutMask(whole, { pairIndex: pair, element: 0, count: keep.length, at: 0 }, source, place);
    expect([...whole]).toEqual(expected);

    // a stretch that begins inside a block of four is the same piece of the same mask
    const piece = new Float32Array(12);
    fillDropoutMask(piece, { pairIndex: pair, element: 5, count: 9, at: 2 }, source, place);
    expect([...piece]).toEqual([0, 0, ...expected.slice(5, 14), 0]);
  });
});
