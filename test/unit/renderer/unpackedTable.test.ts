/** @file Tests. The table of runs on its way from the studio to the page: nothing is lost, no number is rounded. */
import { describe, expect, it } from 'vitest';
import { packTable } from '../../../main/studio/packedTable.ts';
import { unpackTable } from '../../../renderer/state/unpackedTable.ts';
import { tableOf } from '../../support/runsTable.ts';

const table = {
  ...tableOf([
    {
      id: 'r1',
      createdAtMs: 1_780_000_000_123,
      settings: { lr: 0.1, seed: 1, note: 'a' },
      metrics: { loss: 0.1 + 0.2, accuracy: -0 },
    },
    { id: 'r2', settings: { lr: 0.1, seed: 2 }, metrics: { loss: 5e-324 } },
    { id: 'r3', settings: { lr: 0.1, seed: 2 }, metrics: { loss: Number.MAX_VALUE } },
  ]),
  finishedAtMs: [1_780_000_000_456, null, null],
  durationSeconds: [0.333, null, null],
};

describe('a packed table of runs', () => {
  it('is what it was when it is unpacked', () => {
    expect(unpackTable(packTable(table))).toEqual(table);
  });

  it('survives being sent as text', () => {
    expect(unpackTable(JSON.parse(JSON.stringify(packTable(table))))).toEqual(table);
  });

  it('says a setting that is the same in all runs only once', () => {
    const { settings } = packTable(table);
    expect(settings.map(({ key, codes }) => [key, codes === null])).toEqual([
      ['lr', true],
      ['seed', false],
      ['note', false],
    ]);
  });

  it('may be empty', () => {
    expect(unpackTable(packTable(tableOf([])))).toEqual(tableOf([]));
  });
});
