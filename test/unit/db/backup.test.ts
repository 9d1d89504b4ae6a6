/** @file Tests. Backups of studio.db: sound, few, and made when due. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renameRun } from '../../../main/db/annotations.ts';
import { backupFolder, backupIfDue, backupStudio, backupTime, listBackups } from '../../../main/db/backup.ts';
import { findRun } from '../../../main/db/runs.ts';
import { claimedRun, openStudio, trainedRun } from '../../support/studioFile.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('a backup', () => {
  test('holds what was stored, and is one file', async () => {
    const database = openStudio();
    const runId = trainedRun(database, 50);
    const path = await backupStudio(database);
    expect(readdirSync(backupFolder(database.path))).toHaveLength(1);
    expect(findRun(openStudio(path), runId).id).toBe(runId);
  });

  test('is made once a day, and when the newest says it comes from the future', async () => {
    const database = openStudio();
    const now = Date.UTC(2030, 5, 1);
    expect(await backupIfDue(database, now)).not.toBeNull();
    expect(await backupIfDue(database, now + DAY_MS - 1)).toBeNull();
    expect(await backupIfDue(database, now + DAY_MS)).not.toBeNull();
    expect(await backupIfDue(database, now - 5 * DAY_MS)).not.toBeNull();
  });

  test('makes the oldest of more than five go, and touches no other file', async () => {
    const database = openStudio();
    const from = Date.UTC(2030, 0, 1);
    await backupStudio(database, from);
    const mine = join(backupFolder(database.path), 'mine.db');
    writeFileSync(mine, 'kept');
    for (let day = 1; day < 7; day++) await backupStudio(database, from + day * DAY_MS);
    const times = listBackups(database.path).map(backupTime);
    expect(times).toEqual([6, 5, 4, 3, 2].map((day) => from + day * DAY_MS));
    expect(readdirSync(backupFolder(database.path))).toContain('mine.db');
  });

  test('comes to an end while other connections write', async () => {
    const database = openStudio();
    trainedRun(database, 20_000);
    const other = openStudio(database.path);
    const runId = claimedRun(other);
    let writes = 0;
    let done = false;
    const writeOn = (): void => {
      if (done) return;
      renameRun(other, runId, `name ${++writes}`);
      setImmediate(writeOn);
    };
    writeOn();
    const path = await backupStudio(database);
    done = true;
    expect(writes).toBeGreaterThan(1);
    expect(findRun(openStudio(path), runId).name).toMatch(/^name \d+$/);
  });
});
