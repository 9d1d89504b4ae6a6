/** @file Tests. What a person writes on runs, one or many, and curves as CSV, through the contract of a hosted studio. */
import { parse } from 'csv-parse/sync';
import { beforeEach, describe, expect, it } from 'vitest';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { unpackTable } from '../../../renderer/state/unpackedTable.ts';
import type { RunsTable } from '../../../shared/contract/runs.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { samplePoint, samplePoints } from '../../support/sampleRun.ts';
import { endedRun } from '../../support/studioFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

let calls: HostedCalls;
let runs: string[];

beforeEach(() => {
  const folder = temporaryFolder();
  const store = openStudioDatabase(dataPlaces(folder).studioDatabase);
  const losses = samplePoints('step/loss', 1, 3000);
  const odd = [samplePoint('dev/loss', 43, Number.NaN), samplePoint('dev/accuracy', 43, 1e-21)];
  runs = [
    endedRun(store, [{ kind: 'metrics', points: [...losses, ...odd] }], { name: '=1+1', experiment: 'book' }),
    endedRun(store, [{ kind: 'metrics', points: samplePoints('step/loss', 1, 2) }], { name: 'a, "b"' }),
    endedRun(store, [], { experiment: 'book' }),
  ];
  store.close();
  calls = callsTo(openHosted(folder));
});

const table = async (): Promise<RunsTable> => unpackTable(await calls.ask('runs/table', {}));
/** Values of the table by run, in the order in which the runs were made. */
const column = async <Key extends 'tags' | 'archived' | 'names' | 'notes' | 'colours'>(key: Key) => {
  const { ids, [key]: values } = await table();
  return runs.map((run) => values[ids.indexOf(run)]);
};

describe('an annotation', () => {
  it('of many runs is one change, told as one, and what is left out stays', async () => {
    await calls.ask('runs/annotate', { ids: runs, addTags: ['good', ' spaced '], colour: 5 });
    await calls.ask('runs/annotate', {
      ids: runs.slice(0, 2),
      removeTags: ['good', 'never there'],
      archived: true,
    });
    expect(await column('tags')).toEqual([['spaced'], ['spaced'], ['good', 'spaced']]);
    expect(await column('archived')).toEqual([true, true, false]);
    expect(await column('colours')).toEqual([5, 5, 5]);
    expect(await column('names')).toEqual(['=1+1', 'a, "b"', null]);
    await until(() => calls.events.length === 2);
    expect(calls.events).toEqual([
      { kind: 'runs', ids: runs },
      { kind: 'runs', ids: runs.slice(0, 2) },
    ]);
    await calls.ask('runs/annotate', { ids: [runs[0]!], name: null, notes: '# Notes\n<b>', colour: null });
    expect(await calls.ask('runs/show', { run: runs[0]! })).toMatchObject({
      ...{ name: null, notes: '# Notes\n<b>', archived: true, tags: ['spaced'], colour: 0 },
    });
  });

  it('that is wrong for one of the runs changes none', async () => {
    const ids = [runs[0]!, 'r0000', runs[1]!];
    expect((await calls.refusal('runs/annotate', { ids, addTags: ['x'] })).code).toBe('NOT_FOUND');
    for (const change of [{ name: '  ' }, { name: 'a\nb' }, { addTags: ['ok', '\u0007'] }])
      expect((await calls.refusal('runs/annotate', { ids: runs, archived: true, ...change })).code).toBe(
        'USAGE',
      );
    for (const change of [
      { colour: 8 },
      { notes: 'x'.repeat(100_001) },
      { addTags: [''] },
      { starred: true },
    ])
      expect((await calls.refusal('runs/annotate', { ids: runs, archived: true, ...change })).code).toBe(
        'BAD_INPUT',
      );
    expect((await calls.refusal('runs/annotate', { ids: [], archived: true })).code).toBe('BAD_INPUT');
    expect(await column('tags')).toEqual([[], [], []]);
    expect(await column('archived')).toEqual([false, false, false]);
  });

  it('is undone by writing what was there before, as pages do', async () => {
    const before = await table();
    await calls.ask('runs/annotate', { ids: runs, name: 'all', archived: true, addTags: ['x'], colour: 1 });
    for (const run of runs) {
      const at = before.ids.indexOf(run);
      await calls.ask('runs/annotate', {
        ...{ ids: [run], name: before.names[at] ?? null, archived: before.archived[at]! },
        ...{ removeTags: ['x'], colour: null },
      });
    }
    expect(await table()).toEqual(before);
  });

  it('leaves experiments with their runs, archived ones counted', async () => {
    await calls.ask('runs/annotate', { ids: [runs[0]!], archived: true });
    expect(await calls.ask('runs/experiments', {})).toEqual([{ name: 'book', runs: 2 }]);
  });
});

describe('points as CSV', () => {
  it('are all there, exact, and nothing in them is a formula', async () => {
    const { text, points } = await calls.ask('series/csv', {
      ...{ metrics: ['step/loss', 'dev/loss', 'dev/accuracy'], runs: [runs[1]!, runs[0]!, runs[2]!] },
    });
    const rows = parse(text, { columns: true }) as Record<string, string>[];
    expect(points).toBe(3004);
    expect(rows).toHaveLength(3004);
    expect(rows.map(({ run }) => run).filter((run) => run === runs[1])).toHaveLength(2);
    expect(rows[0]).toMatchObject({ run: runs[1], name: 'a, "b"', metric: 'step/loss', step: '1' });
    const own = rows.filter(({ run, metric }) => run === runs[0] && metric === 'step/loss');
    expect(own.map(({ value }) => Number(value))).toEqual(
      samplePoints('step/loss', 1, 3000).map(({ value }) => value),
    );
    expect(own.map(({ epoch }) => Number(epoch)).at(-1)).toBe(3000 / 43);
    expect(own.map(({ time }) => Date.parse(time!)).at(-1)).toBe(samplePoint('step/loss', 3000).atMs);
    expect(new Set(own.map(({ name }) => name))).toEqual(new Set(["'=1+1"]));
    expect(rows.find(({ metric }) => metric === 'dev/loss')?.['value']).toBe('NaN');
    expect(rows.find(({ metric }) => metric === 'dev/accuracy')?.['value']).toBe('1e-21');
    expect(text.startsWith('run,name,metric,step,epoch,time,value\r\n')).toBe(true);
  });

  it('of nothing are a header; of a run or metric that is none they are refused', async () => {
    expect(await calls.ask('series/csv', { metrics: ['test/loss'], runs })).toEqual({
      ...{ text: 'run,name,metric,step,epoch,time,value\r\n', points: 0 },
    });
    expect((await calls.refusal('series/csv', { metrics: ['step/loss'], runs: ['r0000'] })).code).toBe(
      'NOT_FOUND',
    );
    expect((await calls.refusal('series/csv', { metrics: ['step/none'], runs })).code).toBe('BAD_INPUT');
  });
});
