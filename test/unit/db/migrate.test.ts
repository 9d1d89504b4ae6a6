/** @file Tests. Upgrades of studio.db: from each version to the next, or not at all. */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { listBackups } from '../../../main/db/backup.ts';
import { metricSeries } from '../../../main/db/metrics.ts';
import { MIGRATIONS } from '../../../main/db/migrations/inOrder.ts';
import type { Migration } from '../../../main/db/migrations/migration.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { findRun } from '../../../main/db/runs.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { openStudio, studioPath, trainedRun } from '../../support/studioFile.ts';

const addHue: Migration = {
  version: MIGRATIONS.length + 1,
  name: '9001_hue',
  apply: (connection) => void connection.exec("ALTER TABLE runs ADD COLUMN hue TEXT NOT NULL DEFAULT 'blue'"),
};

/** Rebuilds a table to which others refer, as SQLite's manual says it must be done. */
const rebuildRuns: Migration = {
  version: MIGRATIONS.length + 2,
  name: '9002_rebuild',
  apply: (connection) =>
    void connection.exec(`
      CREATE TABLE experiments_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL, goal TEXT) STRICT;
      INSERT INTO experiments_new (id, name, created_at) SELECT id, name, created_at FROM experiments;
      DROP TABLE experiments;
      ALTER TABLE experiments_new RENAME TO experiments;
      UPDATE runs SET notes = notes || ' (moved)';`),
};

/** A file of today's version with one run, closed; returns its path and the run's id. */
function fileWithRun(): { path: string; runId: string } {
  const database = openStudio();
  const runId = trainedRun(database, 20);
  database.close();
  return { path: database.path, runId };
}

describe('the list of migrations', () => {
  test('is numbered without gaps, and each file is named by its number', () => {
    for (const [at, migration] of MIGRATIONS.entries()) {
      expect(migration.version).toBe(at + 1);
      expect(migration.name).toMatch(new RegExp(`^${String(at + 1).padStart(4, '0')}_[a-z]+`));
    }
  });

  test('with a gap is refused before anything happens', () => {
    const gap = { ...addHue, version: addHue.version + 1 };
    expect(() => openStudio(studioPath(), { migrations: [...MIGRATIONS, gap] })).toThrow('stands at place');
  });
});

describe('an upgrade', () => {
  test('from N - 1 to N keeps every row, and leaves a backup of N - 1', () => {
    const { path, runId } = fileWithRun();
    const upgraded = openStudio(path, { migrations: [...MIGRATIONS, addHue, rebuildRuns] });
    expect(upgraded.notices).toEqual([]);
    expect(upgraded.connection.pragma('user_version', { simple: true })).toBe(rebuildRuns.version);
    expect(upgraded.connection.prepare('SELECT id, hue FROM runs').all()).toEqual([
      { id: runId, hue: 'blue' },
    ]);
    expect(findRun(upgraded, runId).notes).toBe(' (moved)');
    expect(metricSeries(upgraded, runId, 'step/loss').steps).toHaveLength(20);
    expect(upgraded.connection.pragma('foreign_keys', { simple: true })).toBe(1);
    const [backup, ...others] = listBackups(path);
    expect(others).toEqual([]);
    const copy = openStudio(backup);
    expect(copy.connection.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    expect(findRun(copy, runId).notes).toBe('');
  });

  test('that is done is not done again', () => {
    const { path } = fileWithRun();
    const migrations = [...MIGRATIONS, addHue];
    openStudio(path, { migrations }).close();
    openStudio(path, { migrations }).close();
    expect(listBackups(path)).toHaveLength(1);
  });

  test('that throws at any step leaves the file byte for byte (R16)', () => {
    const { path, runId } = fileWithRun();
    const before = readFileSync(path);
    const statements = [
      'CREATE TABLE one (a INTEGER) STRICT',
      "UPDATE runs SET notes = 'x'",
      'DROP TABLE logs',
      'PRAGMA user_version = 99',
    ];
    for (let failing = 0; failing <= statements.length; failing++) {
      const broken: Migration = {
        ...addHue,
        apply: (connection) => {
          for (const statement of statements.slice(0, failing)) connection.exec(statement);
          if (connection.name !== ':memory:') throw new Error('a step failed');
        },
      };
      const error = studioErrorOf(() => openStudio(path, { migrations: [...MIGRATIONS, broken] }));
      expect(error.code).toBe('INTERNAL');
      expect(error.message).toContain('a step failed');
      expect(readFileSync(path).equals(before), `after ${failing} statements`).toBe(true);
    }
    expect(findRun(openStudio(path), runId).notes).toBe('');
  });

  test('that would leave rows that refer to nothing is undone', () => {
    const { path } = fileWithRun();
    const before = readFileSync(path);
    const orphaning: Migration = {
      ...addHue,
      apply: (connection) => void connection.exec('DELETE FROM runs'),
    };
    const error = studioErrorOf(() => openStudio(path, { migrations: [...MIGRATIONS, orphaning] }));
    expect(error.message).toContain('would refer to nothing');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('is not done by a reader, who says what to do', () => {
    const { path } = fileWithRun();
    const error = studioErrorOf(() =>
      openStudioDatabase(path, { readOnly: true, migrations: [...MIGRATIONS, addHue] }),
    );
    expect(error.message).toContain('older version');
    expect(error.nextStep).not.toBe('');
  });
});

describe('a file of a newer version', () => {
  test('is refused and not touched (R15)', () => {
    const { path } = fileWithRun();
    openStudio(path, { migrations: [...MIGRATIONS, addHue] }).close();
    const before = readFileSync(path);
    for (const open of [() => openStudio(path), () => openStudioDatabase(path, { readOnly: true })]) {
      const error = studioErrorOf(open);
      expect(error.code).toBe('DATABASE_NEWER');
      expect(error.nextStep).toContain('Update Entail');
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('is refused also when the newer version is still in the -wal file', () => {
    const { path } = fileWithRun();
    const newer = openStudio(path, { migrations: [...MIGRATIONS, addHue] });
    const raw = new Database(path);
    expect(studioErrorOf(() => openStudio(path)).code).toBe('DATABASE_NEWER');
    raw.close();
    newer.close();
  });
});
