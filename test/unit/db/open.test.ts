/** @file Tests. Opening and closing studio.db when nothing is wrong, and refusing what is not ours. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { findRun, listRuns } from '../../../main/db/runs.ts';
import { APPLICATION_ID, applySettings } from '../../../main/db/settings.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { claimedRun, openStudio, studioPath } from '../../support/studioFile.ts';

describe('opening studio.db', () => {
  test('makes the folder and the file, with every setting in force', () => {
    const path = join(dirname(studioPath()), 'deep', 'er', 'studio.db');
    const { connection, notices } = openStudio(path);
    const setting = (name: string): unknown => connection.pragma(name, { simple: true });
    expect(notices).toEqual([]);
    expect(setting('journal_mode')).toBe('wal');
    expect(setting('synchronous')).toBe(2);
    expect(setting('foreign_keys')).toBe(1);
    expect(setting('busy_timeout')).toBe(5000);
    expect(setting('trusted_schema')).toBe(0);
    expect(setting('cell_size_check')).toBe(1);
    expect(setting('wal_autocheckpoint')).toBe(1000);
    expect(setting('application_id')).toBe(APPLICATION_ID);
    expect(setting('user_version')).toBe(6);
  });

  test('leaves one file behind when closed, and closing twice is fine', () => {
    const path = studioPath();
    const database = openStudio(path);
    claimedRun(database);
    database.close();
    database.close();
    expect(readdirSync(dirname(path))).toEqual(['studio.db']);
  });

  test('takes a file of zero bytes for a new one', () => {
    const path = studioPath();
    writeFileSync(path, '');
    const database = openStudio(path);
    expect(database.notices).toEqual([]);
    expect(listRuns(database)).toEqual([]);
  });

  test('keeps what a person added to the file', () => {
    const path = studioPath();
    const database = openStudio(path);
    database.connection.exec('CREATE VIEW my_runs AS SELECT id, state FROM runs');
    database.close();
    const again = openStudio(path);
    expect(again.notices).toEqual([]);
    expect(again.connection.prepare('SELECT * FROM my_runs').all()).toEqual([]);
  });

  test('says so when SQLite does not take a setting', () => {
    const connection = new Database(':memory:');
    const error = studioErrorOf(() => applySettings(connection, 'some.db', 'writer'));
    expect(error.code).toBe('WRITE_FAILED');
    expect(error.message).toContain('journal_mode = memory');
    connection.close();
  });

  test('leaves the database of another program alone', () => {
    const path = studioPath();
    const other = new Database(path);
    other.exec('CREATE TABLE songs (title)');
    other.close();
    const before = readFileSync(path);
    expect(studioErrorOf(() => openStudio(path)).code).toBe('BAD_FILE');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('refuses a folder of that name', () => {
    const path = studioPath();
    mkdirSync(path);
    expect(studioErrorOf(() => openStudio(path)).code).toBe('UNREADABLE');
  });

  test('refuses a network file system, and proposes a local folder', () => {
    const path = studioPath();
    const error = studioErrorOf(() => openStudio(path, { networkFileSystemOf: () => 'NFS' }));
    expect(error.code).toBe('WRITE_FAILED');
    expect(error.message).toContain('NFS');
    expect(error.nextStep).toContain('--data-dir');
    expect(existsSync(path)).toBe(false);
  });
});

describe('opening studio.db to read', () => {
  test('sees what a writer in the same moment stores, and cannot write', () => {
    const writer = openStudio();
    const reader = openStudioDatabase(writer.path, { readOnly: true });
    const runId = claimedRun(writer);
    expect(findRun(reader, runId).state).toBe('preparing');
    expect(() => reader.connection.exec('DELETE FROM runs')).toThrow('readonly');
    reader.close();
  });

  test('says where there is nothing to read yet', () => {
    const path = studioPath();
    const error = studioErrorOf(() => openStudioDatabase(path, { readOnly: true }));
    expect(error.code).toBe('NOT_FOUND');
    expect(existsSync(path)).toBe(false);
  });

  test('reports damage and moves nothing', () => {
    const path = studioPath();
    writeFileSync(path, 'this is text '.repeat(1000));
    expect(studioErrorOf(() => openStudioDatabase(path, { readOnly: true })).code).toBe('DATABASE_CORRUPT');
    expect(readdirSync(dirname(path))).toEqual(['studio.db']);
  });
});
