/** @file Tests. The table of runs in memory: after any changes the same as one that is read anew, row by row and as a whole. */
import { afterAll, describe, expect, it } from 'vitest';
import { annotateRuns } from '../../../main/db/annotations.ts';
import type { StudioDatabase } from '../../../main/db/connection.ts';
import { deleteRun } from '../../../main/db/deleteRun.ts';
import { claimRun, type Lease } from '../../../main/db/lease.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { createRun } from '../../../main/db/runs.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { RunIndex } from '../../../main/studio/runIndex.ts';
import { unpackTable } from '../../../renderer/state/unpackedTable.ts';
import type { RunsTable } from '../../../shared/contract/runs.ts';
import {
  sampleConfig,
  sampleEnvironment,
  samplePoint,
  sampleResult,
  startedReport,
} from '../../support/sampleRun.ts';
import { endedRun } from '../../support/studioFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const open: Databases[] = [];
afterAll(() => {
  for (const databases of open) databases.close();
});

function freshIndex(): { databases: Databases; store: StudioDatabase; index: RunIndex } {
  const databases = new Databases(dataPlaces(temporaryFolder()), () => {});
  open.push(databases);
  return { databases, store: databases.store(), index: new RunIndex(databases) };
}

/** By key: columns come in the order in which they were first met, which is nobody's business. */
function sorted({ settings, metrics, ...rest }: RunsTable): object {
  const cells = settings.map(({ key, values, codes }) => [
    key,
    Array.from(codes, (code) => values[code] ?? null),
  ]);
  return {
    ...rest,
    settings: Object.fromEntries(
      cells.filter(([, column]) => (column as unknown[]).some((cell) => cell !== null)),
    ),
    metrics: Object.fromEntries(metrics.map(({ key, values }) => [key, values])),
  };
}

/** The same random numbers each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

describe('the table', () => {
  it('after a hundred random changes is what it would be when read anew', () => {
    const { databases, store, index } = freshIndex();
    const throwDie = dice(7);
    const runs: string[] = [];
    const leases = new Map<string, Lease>();
    const anyRun = () => runs[throwDie(runs.length)]!;
    const changes: (() => string)[] = [
      () => {
        const changed = { lr: 0.001 * (1 + throwDie(5)), seed: throwDie(3), layers: 1 + throwDie(4) };
        const run = createRun(store, { config: sampleConfig(changed), environment: sampleEnvironment });
        leases.set(run, claimRun(store, run));
        runs.push(run);
        return run;
      },
      () => {
        const run = anyRun();
        const step = 1 + throwDie(200);
        appendReports(store, run, [
          startedReport(step - 1),
          { kind: 'metrics', points: [samplePoint('dev/accuracy', step), samplePoint('dev/loss', step)] },
        ]);
        return run;
      },
      () => {
        const run = anyRun();
        appendReports(store, run, [startedReport(), { kind: 'finished', result: sampleResult }]);
        return run;
      },
      () => {
        const run = anyRun();
        const tag = `t${throwDie(3)}`;
        annotateRuns(store, [run], { addTags: [tag], archived: throwDie(2) === 0, colour: throwDie(8) });
        return run;
      },
      () => {
        const run = runs.splice(throwDie(runs.length), 1)[0]!;
        leases.get(run)!.release();
        deleteRun(store, run);
        return run;
      },
    ];
    for (let at = 0; at < 5; at++) changes[0]!();
    expect(index.table().ids).toHaveLength(5);
    for (let at = 0; at < 100; at++) {
      index.touch([changes[runs.length < 3 ? 0 : throwDie(changes.length)]!()]);
      // Sometimes somebody asks at once, sometimes only after several changes.
      if (throwDie(3) === 0) index.table();
    }
    expect(sorted(index.table())).toEqual(sorted(new RunIndex(databases).table()));
    expect(index.table().ids).toEqual(runs.toSorted().reverse());
    // A part of it is the same rows.
    const part = [runs[1]!, 'r0000', runs[0]!];
    expect(sorted(index.table(part))).toEqual(sorted(new RunIndex(databases).table(part)));
    expect(index.table(part).ids).toEqual([runs[1], runs[0]]);
  });

  it('has last and best figures, settings once a value, colours in turn, and keys of replicates', () => {
    const { store, index } = freshIndex();
    const point = (step: number, value: number) => samplePoint('dev/accuracy', step, value);
    const first = endedRun(store, [{ kind: 'metrics', points: [point(1, 0.9), point(2, 0.5)] }], {
      config: sampleConfig({ seed: 1 }),
    });
    const second = endedRun(store, [], { config: sampleConfig({ seed: 2 }) });
    const other = endedRun(store, [], { config: sampleConfig({ lr: 0.01 }), name: 'other', experiment: 'e' });
    const table = index.table();
    const metric = (key: string) => Array.from(table.metrics.find((column) => column.key === key)!.values);
    expect(table.ids).toEqual([other, second, first]);
    expect(metric('dev/accuracy')).toEqual([Number.NaN, Number.NaN, 0.5]);
    expect(metric('best/dev/accuracy')).toEqual([Number.NaN, Number.NaN, 0.9]);
    expect(metric('result/testAccuracy')).toEqual([0.784, 0.784, 0.784]);
    expect(table.settings.find(({ key }) => key === 'hyperparameters.lr')).toEqual({
      ...{ key: 'hyperparameters.lr', values: [0.01, 1e-4], codes: [0, 1, 1] },
    });
    expect(table).toMatchObject({
      colours: [2, 1, 0],
      names: ['other', null, null],
      experiments: ['e', null, null],
    });
    expect(table.replicateKeys[1]).toBe(table.replicateKeys[2]);
    expect(table.replicateKeys[0]).not.toBe(table.replicateKeys[1]);
    expect(index.colourOf(second)).toBe(1);
    expect(index.colourOf('none')).toBeNull();
  });

  it('tells pieces of words apart by their vocabulary, and says of old runs that they have words', () => {
    const { store, index } = freshIndex();
    const config = sampleConfig({});
    const hashes = ['0123456789abcdef', '0123456700000000', 'fedcba9800000000'];
    for (const vocabularyHash of hashes)
      endedRun(store, [], { config: { ...config, tokenizer: 'wordpiece', vocabularyHash } });
    endedRun(store, [], { config: { ...config, tokenizer: 'words' } });
    endedRun(store, [], { config });
    const { values, codes } = index.table().settings.find(({ key }) => key === 'tokenizer')!;
    const told = ['words', 'words', 'WordPiece fedcba98', 'WordPiece 01234567', 'WordPiece 01234567'];
    expect(Array.from(codes, (code) => values[code])).toEqual(told);
  });

  it('leaves out what is about to be deleted, whole and in part, and has it again', () => {
    const { store, index } = freshIndex();
    const runs = [endedRun(store), endedRun(store)];
    index.table();
    index.hide([runs[0]!], true);
    expect([index.table().ids, index.table([runs[0]!]).ids, index.isHidden(runs[0]!)]).toEqual([
      [runs[1]],
      [],
      true,
    ]);
    index.hide([runs[0]!], false);
    expect(index.table().ids).toEqual(runs.toReversed());
  });

  it('is sent with every number exact, and packed anew when it has changed', () => {
    const { store, index } = freshIndex();
    expect(sorted(unpackTable(index.packedTable()))).toEqual(sorted(index.table()));
    const values = [Math.PI, 5e-324, Number.MAX_VALUE, 0.1 + 0.2, Number.NaN];
    for (const value of values) {
      const points = [samplePoint('dev/loss', 1, value)];
      index.touch([
        endedRun(store, [{ kind: 'metrics', points }], { config: sampleConfig({ seed: 4_294_967_295 }) }),
      ]);
    }
    const sent = unpackTable(JSON.parse(JSON.stringify(index.packedTable())));
    expect(sorted(sent)).toEqual(sorted(index.table()));
    const losses = Array.from(sent.metrics.find(({ key }) => key === 'dev/loss')!.values).toReversed();
    expect(losses.every((loss, at) => Object.is(loss, values[at]))).toBe(true);
    expect(sent.createdAtMs.every((at) => Number.isInteger(at) && at > 1.7e12)).toBe(true);
    index.hide([sent.ids[0]!], true);
    expect(unpackTable(index.packedTable()).ids).toHaveLength(values.length - 1);
  });

  it('reads again later what could not be read', () => {
    const { store, index } = freshIndex();
    const run = createRun(store, { config: sampleConfig(), environment: sampleEnvironment });
    index.table();
    annotateRuns(store, [run], { name: 'renamed' });
    index.touch([run]);
    store.connection.exec('ALTER TABLE run_tags RENAME TO elsewhere');
    expect(() => index.table()).toThrow();
    store.connection.exec('ALTER TABLE elsewhere RENAME TO run_tags');
    expect(index.table().names).toEqual(['renamed']);
  });
});
