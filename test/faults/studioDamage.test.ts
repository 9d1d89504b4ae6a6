/** @file Tests. A damaged studio.db (R11 to R14): set aside, said aloud, replaced by the best copy, never overwritten. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backupFolder, backupStudio } from '../../main/db/backup.ts';
import type { StudioReader } from '../../main/db/connection.ts';
import { listEvaluations } from '../../main/db/evaluations.ts';
import { metricSeries } from '../../main/db/metrics.ts';
import { MIGRATIONS } from '../../main/db/migrations/inOrder.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { predictions } from '../../main/db/predictions.ts';
import { findRun, listRuns } from '../../main/db/runs.ts';
import { StudioError } from '../../shared/errors.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { openStudio, studioPath, trainedRun } from '../support/studioFile.ts';
import { kill, runOf, startWriter } from '../support/studioWriters.ts';

const GARBAGE = 'Dear diary, today I wrote over a database. '.repeat(2000);

/** Paths of what was set aside beside `path`, -wal files included. */
function asides(path: string): string[] {
  const names = readdirSync(dirname(path)).filter(
    (name) => name.startsWith('studio.db.damaged-') && !name.endsWith('-shm'),
  );
  return names.sort().map((name) => join(dirname(path), name));
}

/** A closed file with a run of `steps` steps. */
function closedFile(steps: number): { path: string; runId: string } {
  const database = openStudio();
  const runId = trainedRun(database, steps);
  database.close();
  return { path: database.path, runId };
}

describe('a studio.db of text (R11)', () => {
  test('is kept under another name, and a fresh one begun', () => {
    const path = studioPath();
    writeFileSync(path, GARBAGE);
    const database = openStudio(path);
    expect(listRuns(database)).toEqual([]);
    const [aside, ...others] = asides(path);
    expect(others).toEqual([]);
    expect(readFileSync(aside!, 'utf8')).toBe(GARBAGE);
    expect(database.notices).toHaveLength(1);
    for (const part of [path, aside!, 'damaged', 'empty database'])
      expect(database.notices[0]).toContain(part);
    database.close();
    expect(openStudio(path).notices).toEqual([]);
  });

  test('goes aside with its -wal file', () => {
    const path = studioPath();
    writeFileSync(path, GARBAGE);
    writeFileSync(`${path}-wal`, 'also text');
    openStudio(path);
    expect(asides(path).map((aside) => readFileSync(aside, 'utf8'))).toEqual([GARBAGE, 'also text']);
  });

  test('is replaced by the newest sound backup, which is named', async () => {
    const database = openStudio();
    const runId = trainedRun(database, 10);
    const older = await backupStudio(database, Date.UTC(2030, 0, 1));
    const middle = await backupStudio(database, Date.UTC(2030, 0, 2, 3, 4));
    const newest = await backupStudio(database, Date.UTC(2030, 0, 3));
    const path = database.path;
    database.close();
    truncateSync(newest, 5000);
    writeFileSync(path, GARBAGE);
    const repaired = openStudio(path);
    expect(repaired.notices).toHaveLength(1);
    expect(repaired.notices[0]).toContain(middle);
    expect(repaired.notices[0]).toContain('2030-01-02 03:04');
    expect(repaired.notices[0]).not.toContain(older);
    expect(metricSeries(repaired, runId, 'step/loss').steps).toHaveLength(10);
    expect(existsSync(middle)).toBe(true);
  });

  test('is not replaced by a backup of a newer version or of another program', async () => {
    const database = openStudio();
    trainedRun(database, 10);
    const sound = await backupStudio(database, Date.UTC(2030, 0, 1));
    const path = database.path;
    database.close();
    const another = { version: MIGRATIONS.length + 1, name: '9001_more', apply: () => undefined };
    const newer = openStudio(studioPath(), { migrations: [...MIGRATIONS, another] });
    renameSync(await backupStudio(newer), join(backupFolder(path), 'studio-2030-01-02T00-00-00-000Z.db'));
    writeFileSync(path, GARBAGE);
    expect(openStudio(path).notices[0]).toContain(sound);
  });

  test('twice in the same moment is kept twice', () => {
    const path = studioPath();
    for (const text of ['one', 'two', 'three']) {
      writeFileSync(path, text.repeat(1000));
      openStudio(path).close();
    }
    expect(new Set(asides(path).map((aside) => readFileSync(aside, 'utf8').slice(0, 3)))).toEqual(
      new Set(['one', 'two', 'thr']),
    );
  });

  test('is repaired once when several processes start at once', async () => {
    const { path } = closedFile(10);
    const database = openStudio(path);
    await backupStudio(database);
    database.close();
    writeFileSync(path, GARBAGE);
    const writers = [1, 2, 3].map(() => startWriter(path, 2));
    const runIds = await Promise.all(writers.map(runOf));
    await Promise.all(
      writers.map(
        (writer) =>
          new Promise((resolve) => (writer.exitCode === null ? writer.once('exit', resolve) : resolve(null))),
      ),
    );
    expect(asides(path)).toHaveLength(1);
    const repaired = openStudio(path);
    for (const runId of runIds) expect(findRun(repaired, runId).id).toBe(runId);
    expect(listRuns(repaired)).toHaveLength(4);
  });
});

describe('a studio.db cut short (R12)', () => {
  test.each([0.5, 0.9, 0.01])('to %d of its length is set aside', (share) => {
    const { path } = closedFile(500);
    const length = Math.floor(statSync(path).size * share);
    truncateSync(path, length);
    const database = openStudio(path);
    expect(database.notices[0]).toContain('damaged');
    expect(statSync(asides(path)[0]!).size).toBe(length);
    expect(listRuns(database)).toEqual([]);
  });

  test('to nothing, or gone, is not taken for new when there is a backup', async () => {
    const database = openStudio();
    const runId = trainedRun(database, 10);
    await backupStudio(database);
    const path = database.path;
    database.close();
    truncateSync(path, 0);
    const emptied = openStudio(path);
    expect(emptied.notices[0]).toContain('is empty');
    expect(findRun(emptied, runId).id).toBe(runId);
    emptied.close();
    rmSync(path);
    const missing = openStudio(path);
    expect(missing.notices[0]).toContain('is missing');
    expect(findRun(missing, runId).id).toBe(runId);
  });
});

describe('the -wal file of a killed process (R14)', () => {
  /** A file whose writer was killed, with its -wal; nothing else has looked at it. */
  async function killedFile(): Promise<{ path: string; runId: string }> {
    const path = studioPath();
    const writer = startWriter(path);
    const runId = await runOf(writer);
    while ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) < 200_000)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await kill(writer);
    return { path, runId };
  }

  test('that is deleted takes the last changes with it, and no more', async () => {
    const { path } = await killedFile();
    rmSync(`${path}-wal`);
    const database = openStudio(path);
    expect(database.connection.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(listRuns(database).length).toBeLessThanOrEqual(1);
    trainedRun(database, 5);
  });

  test('that is replaced by another database’s is set aside, and the file used without it', async () => {
    const { path } = await killedFile();
    const kept = closedFile(2000);
    const whole = readFileSync(kept.path);
    copyFileSync(`${path}-wal`, `${kept.path}-wal`);
    const database = openStudio(kept.path);
    expect(database.notices[0]).toContain('sound without its -wal file');
    expect(metricSeries(database, kept.runId, 'step/loss').steps).toHaveLength(2000);
    expect(asides(kept.path).map((aside) => aside.slice(-4))).toEqual([
      expect.not.stringMatching('-wal'),
      '-wal',
    ]);
    expect(readFileSync(asides(kept.path)[0]!).equals(whole)).toBe(true);
  });

  test('that is left over when the file is gone is kept', () => {
    const path = studioPath();
    writeFileSync(`${path}-wal`, 'the only trace');
    const database = openStudio(path);
    expect(database.notices[0]).toContain('is missing');
    expect(readFileSync(asides(path)[0]!, 'utf8')).toBe('the only trace');
  });
});

/** Everything of the file that a person takes for true. */
function figures(database: StudioReader, runId: string): string {
  const { config, result, id } = findRun(database, runId);
  const series = (['step/loss', 'step/accuracy', 'system/memoryBytes'] as const).map((metric) => {
    const { steps, values, epochs } = metricSeries(database, runId, metric);
    return [[...steps], [...values], [...epochs]];
  });
  const block = predictions(database, runId, 'test');
  return JSON.stringify([
    id,
    config,
    result,
    series,
    listEvaluations(database, runId),
    block === null ? null : [...block.probabilities],
  ]);
}

describe('one wrong byte (R13)', () => {
  test('at 100 random places is noticed, or harmless: a figure is never wrong', () => {
    const { path, runId } = closedFile(300);
    const sound = readFileSync(path);
    const database = openStudio(path);
    const expected = figures(database, runId);
    database.close();
    const random = seededRandom(13);
    const outcomes = new Map<string, number>();
    for (let trial = 0; trial < 100; trial++) {
      const offset = Math.floor(random() * sound.length);
      const bytes = Buffer.from(sound);
      bytes[offset]! ^= 1 + Math.floor(random() * 255);
      const outcome = outcomeOf(bytes, runId, expected);
      expect(outcome, `byte ${offset}`).not.toBe('wrong');
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Free space is harmless, and there is some; most of the file is not free.
    expect(outcomes.get('noticed at start') ?? 0).toBeGreaterThan(0);
    expect(outcomes.get('noticed when read') ?? 0).toBeGreaterThan(0);
  });
});

function outcomeOf(bytes: Uint8Array, runId: string, expected: string): string {
  const path = studioPath();
  writeFileSync(path, bytes);
  try {
    const database = openStudioDatabase(path);
    try {
      if (database.notices.length > 0) return 'noticed at start';
      return figures(database, runId) === expected ? 'harmless' : 'wrong';
    } finally {
      database.close();
    }
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code !== 'INTERNAL') return 'noticed when read';
    throw thrown;
  }
}
