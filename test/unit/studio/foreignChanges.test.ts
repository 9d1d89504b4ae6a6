/** @file Tests. What other programs write into studio.db while a studio is open: told like everything else, once, and never fatal. */
import { afterEach, describe, expect, it } from 'vitest';
import { annotateRuns } from '../../../main/db/annotations.ts';
import type { StudioDatabase } from '../../../main/db/connection.ts';
import { deleteRun } from '../../../main/db/deleteRun.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { DatasetChanges } from '../../../main/studio/datasetChanges.ts';
import { ForeignChanges } from '../../../main/studio/foreignChanges.ts';
import { ModelChanges } from '../../../main/studio/modelChanges.ts';
import { RunIndex } from '../../../main/studio/runIndex.ts';
import { unpackTable } from '../../../renderer/state/unpackedTable.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import type { WorkerReport } from '../../../shared/runs.ts';
import { callsTo } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { runEntail } from '../../support/runEntail.ts';
import { samplePoint, samplePoints, sampleResult, startedReport } from '../../support/sampleRun.ts';
import { claimedRun, endedRun, openStudio } from '../../support/studioFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const progress = (step: number): WorkerReport => ({
  ...{ kind: 'progress', step, totalSteps: 215, epoch: step / 43 },
  ...{ phase: 'training', etaSeconds: 60, pairsPerSecond: 100 },
});
const metrics = (from: number, to: number): WorkerReport => ({
  kind: 'metrics',
  points: [...samplePoints('step/loss', from, to), ...samplePoints('dev/loss', to, to)],
});
const log = (text: string): WorkerReport => ({ kind: 'log', level: 'info', text });

/** The studio's side, looking when the test says so, and the other program's own connection. */
class Sides {
  readonly other: StudioDatabase;
  readonly index: RunIndex;
  readonly foreign: ForeignChanges;
  told: StudioEvent[] = [];
  ours = new Set<string>();
  changes = 0;

  constructor(prepare: (other: StudioDatabase) => void = () => {}) {
    const places = dataPlaces(temporaryFolder());
    this.other = openStudio(places.studioDatabase);
    prepare(this.other);
    const databases = new Databases(places, () => {});
    this.index = new RunIndex(databases);
    const publish = (events: readonly StudioEvent[]) => void this.told.push(...events);
    const datasetChanges = new DatasetChanges(databases, publish);
    const modelChanges = new ModelChanges(places.models, publish);
    this.foreign = new ForeignChanges({
      ...{ databases, datasetChanges, modelChanges, runIndex: this.index, publish },
      isOurs: (run) => this.ours.has(run),
      onChange: () => this.changes++,
    });
    this.foreign.start();
    open.push(() => {
      this.foreign.stop();
      databases.close();
    });
  }

  /** What is told by the next look. */
  look(): StudioEvent[] {
    this.told = [];
    this.foreign.look();
    return this.told;
  }
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const kinds = (events: readonly StudioEvent[]) => events.map(({ kind }) => kind);
const stepsTold = (events: readonly StudioEvent[], metric = 'step/loss') =>
  events.flatMap((event) =>
    event.kind === 'points'
      ? event.points.filter((point) => point.metric === metric).map(({ step }) => step)
      : [],
  );

describe('a run of another program', () => {
  it('appears in the table, and its points, lines and progress are told once, to the last one', () => {
    const sides = new Sides();
    const run = claimedRun(sides.other);
    expect(sides.look()).toEqual([{ kind: 'runs', ids: [run] }]);
    expect(sides.index.table()).toMatchObject({ ids: [run], states: ['preparing'] });
    appendReports(sides.other, run, [startedReport(), log('begun')]);
    sides.look();
    appendReports(sides.other, run, [metrics(1, 40), progress(40)]);
    const first = sides.look();
    expect(kinds(first)).toEqual(['progress', 'points', 'log', 'runs']);
    expect(stepsTold(first)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    expect(first).toContainEqual(
      expect.objectContaining({
        kind: 'points',
        points: expect.arrayContaining([samplePoint('step/loss', 7)]),
      }),
    );
    expect(sides.look()).toEqual([]);
    appendReports(sides.other, run, [metrics(41, 50), progress(50)]);
    appendReports(sides.other, run, [metrics(51, 60), progress(60), log('more')]);
    const second = sides.look();
    expect([stepsTold(second).at(0), stepsTold(second).length, stepsTold(second, 'dev/loss')]).toEqual([
      ...[41, 20, [50, 60]],
    ]);
    expect(second.find(({ kind }) => kind === 'log')).toMatchObject({ lines: [{ text: 'more' }] });
    // What comes together with the end is told, too.
    appendReports(sides.other, run, [
      metrics(61, 65),
      log('done'),
      { kind: 'finished', result: sampleResult },
    ]);
    const last = sides.look();
    expect(kinds(last)).toEqual(['points', 'log', 'runs']);
    expect(stepsTold(last)).toEqual([61, 62, 63, 64, 65]);
    expect(sides.index.table()).toMatchObject({ states: ['completed'], progress: [null] });
    annotateRuns(sides.other, [run], { addTags: ['kept'] });
    expect(sides.look()).toEqual([{ kind: 'runs', ids: [run] }]);
    expect(sides.changes).toBe(6);
  });

  it('that trained before the studio was opened is told from there on', () => {
    let run = '';
    const sides = new Sides((other) => {
      run = claimedRun(other);
      appendReports(other, run, [startedReport(), metrics(1, 100), progress(100), log('before')]);
    });
    expect(sides.look()).toEqual([]);
    appendReports(sides.other, run, [metrics(101, 110), progress(110), log('after')]);
    const told = sides.look();
    expect(stepsTold(told)).toEqual(Array.from({ length: 10 }, (_, at) => 101 + at));
    expect(told.find(({ kind }) => kind === 'log')).toMatchObject({ lines: [{ text: 'after' }] });
  });

  it('is left alone when it is trained here, where it is told anyway', () => {
    const sides = new Sides();
    const run = claimedRun(sides.other);
    sides.look();
    sides.ours.add(run);
    appendReports(sides.other, run, [startedReport(), metrics(1, 5), progress(5)]);
    expect(sides.look()).toEqual([]);
  });

  it.each([
    ['a name', { name: 'new name' }],
    ['notes', { notes: 'something' }],
    ['a tag', { addTags: ['x'] }],
    ['the archive', { archived: true }],
    ['a colour', { colour: 3 }],
  ] as const)('that gets %s is told of, and so is only it', (_, change) => {
    let runs: string[] = [];
    const sides = new Sides((other) => {
      runs = [claimedRun(other), claimedRun(other)];
    });
    annotateRuns(sides.other, [runs[1]!], change);
    expect(sides.look()).toEqual([{ kind: 'runs', ids: [runs[1]] }]);
  });

  it('that is deleted there is gone here', () => {
    let run = '';
    const sides = new Sides((other) => {
      run = endedRun(other);
    });
    expect(sides.index.table().ids).toEqual([run]);
    deleteRun(sides.other, run);
    expect(sides.look()).toEqual([{ kind: 'runsDeleted', ids: [run] }]);
    expect(sides.index.table().ids).toEqual([]);
    expect(sides.look()).toEqual([]);
  });
});

describe('trouble', () => {
  it('with one run that is damaged costs the others nothing', () => {
    let runs: string[] = [];
    const sides = new Sides((other) => {
      runs = [claimedRun(other), claimedRun(other)];
      for (const run of runs) appendReports(other, run, [startedReport(), progress(1)]);
    });
    for (const run of runs) appendReports(sides.other, run, [metrics(2, 3), progress(3)]);
    sides.other.connection
      .prepare('UPDATE metrics SET value = 7 WHERE step = 2 AND run = (SELECT number FROM runs WHERE id = ?)')
      .run(runs[0]);
    const told = sides.look();
    expect(told.filter(({ kind }) => kind === 'points')).toMatchObject([{ run: runs[1] }]);
    expect(told).toContainEqual({ kind: 'runs', ids: runs.toSorted() });
  });

  it('in reading is told once, ends nothing, and what was missed is told when it is over', () => {
    const sides = new Sides();
    const run = claimedRun(sides.other);
    const rename = (from: string, to: string) =>
      sides.other.connection.exec(`ALTER TABLE ${from} RENAME TO ${to}`);
    rename('run_tags', 'elsewhere');
    expect(sides.look()).toMatchObject([{ kind: 'notice', id: 'otherPrograms', level: 'warning' }]);
    expect((sides.told[0] as { text: string }).text).toMatch(/^Changes by other programs cannot be seen: /);
    expect(sides.look()).toEqual([]);
    rename('elsewhere', 'run_tags');
    expect(sides.look()).toEqual([
      { kind: 'runs', ids: [run] },
      { kind: 'notice', id: 'otherPrograms', level: 'warning', text: '' },
    ]);
  });
});

it('a command line beside the open studio: its deletion reaches the pages by itself', async () => {
  const folder = temporaryFolder();
  const store = openStudioDatabase(dataPlaces(folder).studioDatabase);
  const runs = [endedRun(store), endedRun(store)];
  store.close();
  const calls = callsTo(openHosted(folder));
  const ids = async () => unpackTable(await calls.ask('runs/table', {})).ids;
  expect(await ids()).toEqual(runs.toReversed());
  const { code, stderr } = await runEntail(['runs', 'delete', runs[0]!, '--yes'], { home: folder });
  expect([code, stderr]).toEqual([0, '']);
  await until(() => calls.events.some(({ kind }) => kind === 'runsDeleted'));
  expect(calls.events).toContainEqual({ kind: 'runsDeleted', ids: [runs[0]] });
  expect(await ids()).toEqual([runs[1]]);
});
