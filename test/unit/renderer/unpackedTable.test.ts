/** @file Tests. The table of runs on its way from the studio to the page: nothing is lost, no number is rounded. */
import { describe, expect, it } from 'vitest';
import { packTable } from '../../../main/studio/packedTable.ts';
import { unpackTable } from '../../../renderer/state/unpackedTable.ts';
import type { RunsTable } from '../../../shared/contract/runs.ts';
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

/** Columns of numbers are typed arrays on one side, plain ones on the other: compared by what they hold. */
const plain = (runs: RunsTable) => ({
  ...runs,
  settings: runs.settings.map((column) => ({ ...column, codes: Array.from(column.codes) })),
  metrics: runs.metrics.map(({ key, values }) => ({ key, values: Array.from(values) })),
});

describe('a packed table of runs', () => {
  it('is what it was when it is unpacked', () => {
    expect(plain(unpackTable(packTable(table)))).toEqual(plain(table));
  });

  it('survives being sent as text', () => {
    expect(plain(unpackTable(JSON.parse(JSON.stringify(packTable(table)))))).toEqual(plain(table));
  });

  it('says a setting that is the same in all runs only once', () => {
    const { settings } = packTable(table);
    expect(settings.map(({ key, codes }) => [key, codes === null])).toEqual([
      ['lr', true],
      ['seed', false],
      ['note', false],
    ]);
  });

  it('keeps columns of many different values', () => {
    const many = tableOf(
      Array.from({ length: 300 }, (_, at) => ({
        id: `r${at}`,
        tags: [`tag ${at}`],
        settings: at === 7 ? {} : { dataset: `set ${at}` },
      })),
    );
    expect(plain(unpackTable(packTable(many)))).toEqual(plain(many));
  });

  it('is read by browsers that cannot decode by themselves', () => {
    const { fromBase64 } = Uint8Array;
    try {
      Object.assign(Uint8Array, { fromBase64: undefined });
      expect(plain(unpackTable(packTable(table)))).toEqual(plain(table));
    } finally {
      Object.assign(Uint8Array, { fromBase64 });
    }
  });

  it('may be empty', () => {
    expect(plain(unpackTable(packTable(tableOf([]))))).toEqual(plain(tableOf([])));
  });
});
