/** @file Tests. Runs that are called the same are told apart by the least that differs between them. */
import { expect, it } from 'vitest';
import { distinctNames, distinctNamesOf } from '../../../../renderer/table/distinctNames.ts';
import { IndexedTable } from '../../../../renderer/table/indexedTable.ts';
import { tableOf } from '../../../support/runsTable.ts';

const run = (id: string, name: string | null, seed: number, lr: number) => ({
  id,
  name,
  settings: { 'hyperparameters.lr': lr, 'hyperparameters.seed': seed },
});
const runs = new IndexedTable(
  tableOf([
    run('r1', 'alone', 0, 1e-4),
    run('r2', 'seeds', 0, 1e-4),
    run('r3', 'seeds', 1, 1e-4),
    run('r4', 'both', 0, 1e-4),
    run('r5', 'both', 1, 1e-4),
    run('r6', 'both', 0, 1e-3),
    run('r7', 'same', 0, 1e-4),
    run('r8', 'same', 0, 1e-4),
    run('r9', null, 0, 1e-4),
  ]),
);

it('adds to a name what is needed, and nothing where it is the only one', () => {
  expect([...distinctNames(runs, [0, 1, 2, 3, 4, 5, 6, 7, 8]).values()].sort()).toEqual([
    'alone',
    'both · learning rate 0.001, seed 0',
    'both · learning rate 1e-4, seed 0',
    'both · learning rate 1e-4, seed 1',
    'r9',
    'same · r7',
    'same · r8',
    'seeds · seed 0',
    'seeds · seed 1',
  ]);
});

it('looks only at the runs that are shown together', () => {
  expect(distinctNamesOf(runs, ['r2', 'r9', 'gone'])).toEqual(
    new Map([
      ['r2', 'seeds'],
      ['r9', 'r9'],
    ]),
  );
});
