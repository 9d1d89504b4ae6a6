/** @file Tests. Sweeps: what is written into a field, and the runs that follow from it. */
import { describe, expect, it } from 'vitest';
import { type HyperparameterName, hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { PRESETS } from '../../../shared/presets.ts';
import { drawsOf, type FieldWish, gridOf, isSeveral, parseWish, valueText } from '../../../shared/sweep.ts';

const base = hyperparametersSchema.parse({});
const wishesOf = (texts: Partial<Record<HyperparameterName, string>>) =>
  new Map(
    (Object.entries(texts) as [HyperparameterName, string][]).map(([name, text]) => [
      name,
      parseWish(name, text),
    ]),
  );

describe('parseWish', () => {
  it.each<[HyperparameterName, string, FieldWish]>([
    ['epochs', ' 3 ', { kind: 'values', values: [3] }],
    ['seed', '0, 1, 2', { kind: 'values', values: [0, 1, 2] }],
    ['seed', '1, 1', { kind: 'values', values: [1] }],
    ['lr', '1e-4, 3e-5', { kind: 'values', values: [1e-4, 3e-5] }],
    ['schedule', 'linear, cosine', { kind: 'values', values: ['linear', 'cosine'] }],
    ['freezeEncoder', 'true, false', { kind: 'values', values: [true, false] }],
    ['classWeights', '1, 2, 3; balanced', { kind: 'values', values: [[1, 2, 3], 'balanced'] }],
    ['lr', '1e-5..1e-3 / 3', { kind: 'range', from: 1e-5, to: 1e-3, count: 3, whole: false }],
    ['seed', '0..4', { kind: 'range', from: 0, to: 4, count: null, whole: true }],
    ['dropout', '0 .. 0.5', { kind: 'range', from: 0, to: 0.5, count: null, whole: false }],
    ['batchSize', '16..64', { kind: 'range', from: 16, to: 64, count: null, whole: true }],
    ['microBatchTokens', '64..256', { kind: 'range', from: 64, to: 256, count: null, whole: true }],
  ])('%s: %s', (name, text, wish) => {
    expect(parseWish(name, text)).toEqual(wish);
  });

  it.each<[HyperparameterName, string, string]>([
    ['epochs', '', 'is empty; it takes 1 to 1000.'],
    ['epochs', '0', 'cannot be "0"; it takes 1 to 1000.'],
    ['epochs', '1.5', 'cannot be "1.5"; it takes 1 to 1000.'],
    ['lr', 'NaN', 'cannot be "NaN"; it takes above 0, up to 10.'],
    ['lr', '1e-3..1e-5', 'goes from 1e-3 up to 1e-5, which is not above it; it takes above 0, up to 10.'],
    ['lr', '0..1', 'cannot be "0"; it takes above 0, up to 10.'],
    ['lr', '1e-4..1e-3 / 1', 'cannot have 1 values; it takes above 0, up to 10.'],
    ['schedule', 'linear, steep', 'cannot be "steep"; it takes constant, linear, cosine.'],
    ['optimizer', '__proto__', 'cannot be "__proto__"; it takes adam, adamw.'],
  ])('%s refuses %j', (name, text, why) => {
    expect(parseWish(name, text)).toEqual({ kind: 'wrong', why });
  });

  it('reads back what valueText writes, for every value of every preset', () => {
    for (const { hyperparameters } of PRESETS)
      for (const [name, value] of Object.entries(hyperparameters) as [HyperparameterName, never][])
        expect(parseWish(name, valueText(value))).toEqual({ kind: 'values', values: [value] });
    expect(valueText(1e-4)).toBe('1e-4');
    expect(valueText([1, 2.5])).toBe('1, 2.5');
  });
});

describe('gridOf', () => {
  it('makes every combination, the last field fastest', () => {
    const grid = gridOf(base, wishesOf({ lr: '1e-4, 3e-5', seed: '0..2' }))!;
    expect(grid.map(({ lr, seed }) => [lr, seed])).toEqual([
      [1e-4, 0],
      [1e-4, 1],
      [1e-4, 2],
      [3e-5, 0],
      [3e-5, 1],
      [3e-5, 2],
    ]);
    expect(grid.every((setting) => hyperparametersSchema.safeParse(setting).success)).toBe(true);
  });

  it('spaces a wide range evenly on a log scale, a narrow one linearly, ends exact', () => {
    expect(gridOf(base, wishesOf({ lr: '1e-5..1e-3 / 3' }))!.map(({ lr }) => lr)).toEqual([1e-5, 1e-4, 1e-3]);
    expect(gridOf(base, wishesOf({ dropout: '0..0.5 / 3' }))!.map(({ dropout }) => dropout)).toEqual([
      0, 0.25, 0.5,
    ]);
  });

  it('makes nothing of a wrong field or an endless range, and says when there are too many', () => {
    expect(gridOf(base, wishesOf({ epochs: 'x' }))).toEqual([]);
    expect(gridOf(base, wishesOf({ lr: '1e-5..1e-3' }))).toEqual([]);
    expect(gridOf(base, wishesOf({ seed: '0..99', epochs: '1..11' }))).toBeNull();
    expect(gridOf(base, wishesOf({ seed: '0..99', epochs: '1..10' }))).toHaveLength(1000);
  });
});

describe('drawsOf', () => {
  it('draws inside the ranges, the same for the same seed', () => {
    const wishes = wishesOf({ lr: '1e-5..1e-3', batchSize: '16..64', schedule: 'linear, cosine' });
    const draws = drawsOf(base, wishes, { count: 200, seed: 7 });
    expect(draws).toEqual(drawsOf(base, wishes, { count: 200, seed: 7 }));
    expect(draws).not.toEqual(drawsOf(base, wishes, { count: 200, seed: 8 }));
    expect(draws.every((setting) => hyperparametersSchema.safeParse(setting).success)).toBe(true);
    // On a log scale half of them lie below the geometric mean; a linear one would leave 9 % there.
    const low = draws.filter(({ lr }) => lr < 1e-4).length;
    expect(low).toBeGreaterThan(70);
    expect(low).toBeLessThan(130);
    expect(new Set(draws.map(({ schedule }) => schedule))).toEqual(new Set(['linear', 'cosine']));
  });
});

it('isSeveral tells lists and ranges from single values', () => {
  expect(['3', '3, 4', '3..4'].map((text) => isSeveral(parseWish('epochs', text)))).toEqual([
    false,
    true,
    true,
  ]);
});
