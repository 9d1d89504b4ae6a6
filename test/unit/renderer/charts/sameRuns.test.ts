/** @file Tests. Runs that have not changed stay the same objects, so that their curves are not drawn again. */
import { expect, it } from 'vitest';
import type { ChartRun } from '../../../../renderer/charts/chartLines.ts';
import { keepingSame } from '../../../../renderer/charts/sameRuns.ts';

const run = (id: string, changes: Partial<ChartRun> = {}): ChartRun => ({
  ...{ id, name: id, colour: 0, dash: 0, baseline: false, difference: '' },
  ...changes,
});

it('gives back the very list when nothing has changed', () => {
  const before = [run('a'), run('b')];
  expect(keepingSame(before, [run('a'), run('b')])).toBe(before);
});

it('gives back what has not changed, and takes what has, in the new order', () => {
  const before = [run('a'), run('b'), run('c')];
  const after = keepingSame(before, [run('c'), run('b', { name: 'renamed' }), run('d')]);
  expect(after[0]).toBe(before[2]);
  expect(after.map(({ name }) => name)).toEqual(['c', 'renamed', 'd']);
});

it('sees another order, and a run that is gone', () => {
  const before = [run('a'), run('b')];
  expect(keepingSame(before, [run('b'), run('a')])).toEqual([before[1], before[0]]);
  expect(keepingSame(before, [run('a')])).toEqual([before[0]]);
});
