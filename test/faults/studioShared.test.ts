/** @file Tests. Several processes with one studio.db: leases, locks (R18), interrupted runs, read-only places (R19). */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { renameRun } from '../../main/db/annotations.ts';
import { claimRun, holderOf, interruptOrphans } from '../../main/db/lease.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { hasDeadOpenings } from '../../main/db/openings.ts';
import { OTHER_HOST_SILENCE_MS } from '../../main/db/processOwner.ts';
import { appendReports } from '../../main/db/reports.ts';
import { createRun, findRun } from '../../main/db/runs.ts';
import { type LineRequest, seriesLine } from '../../main/db/series.ts';
import { sampleConfig, sampleEnvironment, startedReport } from '../support/sampleRun.ts';
import { studioErrorOf } from '../support/studioErrorOf.ts';
import { claimedRun, openStudio, studioPath, trainedRun } from '../support/studioFile.ts';
import { expectWholeFlushes, kill, runOf, startWriter } from '../support/studioWriters.ts';

describe('a lease', () => {
  test('is held once, by this process too, and can be given back', () => {
    const database = openStudio();
    const runId = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
    const lease = claimRun(database, runId);
    const error = studioErrorOf(() => claimRun(database, runId));
    expect(error.code).toBe('LOCKED');
    const { since } = holderOf(database, runId)!;
    for (const part of [runId, `process ${process.pid}`, hostname(), since])
      expect(error.message).toContain(part);
    lease.heartbeat();
    lease.release();
    lease.release();
    expect(holderOf(database, runId)).toBeNull();
    expect(studioErrorOf(() => lease.heartbeat()).code).toBe('LOCKED');
    claimRun(database, runId);
  });

  test('of another living process keeps everybody else from its run', async () => {
    const database = openStudio();
    // One that writes without a pause would hardly ever let the others have the file's lock.
    const writer = startWriter(database.path, 1, 'stay');
    const runId = await runOf(writer);
    const error = studioErrorOf(() => claimRun(database, runId));
    expect(error.code).toBe('LOCKED');
    expect(error.message).toContain(`process ${writer.pid}`);
    expect(studioErrorOf(() => appendReports(database, runId, [{ kind: 'stopping' }])).code).toBe('LOCKED');
    expect(interruptOrphans(database)).toEqual([]);
    renameRun(database, runId, 'anybody may name it');
    await kill(writer);
    claimRun(database, runId);
    appendReports(database, runId, [startedReport()]);
  });

  test('of another machine lives by its heartbeat', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const { connection } = database;
    const pretend = connection.prepare("UPDATE leases SET host = 'other', pid = 999999999, heartbeat_at = ?");
    pretend.run(new Date(Date.now() - OTHER_HOST_SILENCE_MS / 2).toISOString());
    expect(interruptOrphans(database)).toEqual([]);
    pretend.run(new Date(Date.now() - 2 * OTHER_HOST_SILENCE_MS).toISOString());
    expect(interruptOrphans(database)).toEqual([runId]);
  });

  test('is not believed when its number belongs to a later process', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    database.connection.exec("UPDATE leases SET process_started = 'an earlier boot/1'");
    expect(interruptOrphans(database)).toEqual([runId]);
  });
});

describe('a process that was killed', () => {
  test('is known to have left the file open, until somebody has checked it', async () => {
    const path = studioPath();
    const isUnclean = (): boolean => {
      const connection = new Database(path, { readonly: true });
      const unclean = hasDeadOpenings(connection);
      connection.close();
      return unclean;
    };
    const writer = startWriter(path);
    await runOf(writer);
    expect(isUnclean()).toBe(false);
    await kill(writer);
    expect(isUnclean()).toBe(true);
    const database = openStudio(path);
    expect(isUnclean()).toBe(false);
    expect(database.connection.prepare('SELECT pid FROM openings').pluck().all()).toEqual([process.pid]);
    database.close();
    expect(
      openStudioDatabase(path, { readOnly: true }).connection.prepare('SELECT * FROM openings').all(),
    ).toEqual([]);
  });
});

describe('runs whose process is gone', () => {
  test('become interrupted at the next start; what is done stays done', async () => {
    const path = studioPath();
    const writer = startWriter(path);
    const runId = await runOf(writer);
    await kill(writer);
    const database = openStudio(path);
    const done = trainedRun(database, 5);
    appendReports(database, done, [{ kind: 'stopped', step: 5 }]);
    const mine = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
    expect(interruptOrphans(database)).toEqual([runId]);
    expect(findRun(database, runId).state).toBe('interrupted');
    expect(findRun(database, done).state).toBe('stopped');
    expect(findRun(database, mine).state).toBe('preparing');
    expect(interruptOrphans(database)).toEqual([]);
  });
});

describe('two processes that write at once', () => {
  test('lose nothing', async () => {
    const path = studioPath();
    const writers = [startWriter(path, 60), startWriter(path, 60), startWriter(path, 60)];
    const exits = writers.map((writer) => once(writer, 'exit'));
    const runIds = await Promise.all(writers.map(runOf));
    expect(await Promise.all(exits)).toEqual(writers.map(() => [0, null]));
    const database = openStudio(path);
    expect(database.notices).toEqual([]);
    expect(new Set(runIds).size).toBe(3);
    for (const runId of runIds) expect(expectWholeFlushes(database, runId)).toBe(60);
    expect(database.connection.pragma('integrity_check', { simple: true })).toBe('ok');
  });
});

describe('a write lock that another process does not give up (R18)', () => {
  test('ends in DATABASE_BUSY after two attempts, and stores nothing', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const other = new Database(database.path);
    other.exec('BEGIN IMMEDIATE');
    database.connection.pragma('busy_timeout = 20');
    let attempts = 0;
    const transaction = database.connection.transaction.bind(database.connection);
    database.connection.transaction = ((work: () => unknown) => {
      attempts++;
      return transaction(work);
    }) as typeof transaction;
    const error = studioErrorOf(() => renameRun(database, runId, 'x'));
    expect(error.code).toBe('DATABASE_BUSY');
    expect(error.nextStep).toContain('Wait');
    expect(attempts).toBe(2);
    expect(findRun(database, runId).name).toBeNull();
    other.exec('COMMIT');
    other.close();
    renameRun(database, runId, 'x');
    expect(findRun(database, runId).name).toBe('x');
  });
});

describe('a place that is read-only (R19)', () => {
  /** Runs a program as somebody who is not root, because root may write everywhere. */
  function asNobody(program: string): { status: number | null; output: string } {
    const root = process.getuid?.() === 0;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      ...(root ? { uid: 65534, gid: 65534 } : {}),
      cwd: '/',
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  }

  const open = join(import.meta.dirname, '..', '..', 'main', 'db', 'open.ts');
  const runs = join(import.meta.dirname, '..', '..', 'main', 'db', 'runs.ts');

  /** A closed studio.db in a folder that nobody may write to. */
  function frozenFile(): string {
    const database = openStudio();
    trainedRun(database, 5);
    database.close();
    const path = studioPath();
    copyFileSync(database.path, path);
    chmodSync(path, 0o444);
    chmodSync(dirname(path), 0o555);
    return path;
  }

  test.skipIf(process.platform === 'win32')('is refused in words, and can be read', () => {
    const path = frozenFile();
    const writing = asNobody(`
      import { openStudioDatabase } from ${JSON.stringify(open)};
      try { openStudioDatabase(${JSON.stringify(path)}); } catch (error) { console.log(error.code, error.message, error.nextStep); }`);
    expect(writing.output).toContain('WRITE_FAILED Could not write');
    expect(writing.output).toContain('permission denied');
    const reading = asNobody(`
      import { openStudioDatabase } from ${JSON.stringify(open)};
      import { listRuns } from ${JSON.stringify(runs)};
      console.log('runs:', listRuns(openStudioDatabase(${JSON.stringify(path)}, { readOnly: true })).length);`);
    expect(reading.output).toContain('runs: 1');
    chmodSync(dirname(path), 0o755);
  });

  test.skipIf(process.platform === 'win32')('for the file alone is refused too', () => {
    const path = frozenFile();
    chmodSync(dirname(path), 0o777);
    if (process.getuid?.() === 0) chownSync(dirname(path), 65534, 65534);
    const { output } = asNobody(`
      import { openStudioDatabase } from ${JSON.stringify(open)};
      try { openStudioDatabase(${JSON.stringify(path)}); } catch (error) { console.log(error.code, error.message); }`);
    expect(output).toContain('WRITE_FAILED');
  });

  test('is said of a connection that lost its right to write', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    database.connection.pragma('query_only = ON');
    expect(studioErrorOf(() => renameRun(database, runId, 'x')).code).toBe('WRITE_FAILED');
    database.connection.pragma('query_only = OFF');
    expect(openStudioDatabase(database.path, { readOnly: true }).notices).toEqual([]);
  });
});

test('a curve that another process writes is read as it was at one moment', async () => {
  const database = openStudio();
  const writer = startWriter(database.path);
  const runId = await runOf(writer);
  const request: LineRequest = {
    metric: 'step/loss',
    axis: 'step',
    range: null,
    ...{ buckets: 2000, affordablePoints: 1_000_000 },
  };
  const torn: unknown[] = [];
  for (let reached = 0; reached < 4000; ) {
    const line = seriesLine(database, runId, request);
    if (line === null) continue;
    reached = line.cursor;
    if (line.x.at(-1) !== line.cursor || line.total !== line.cursor) torn.push([line.x.at(-1), line.cursor]);
  }
  await kill(writer);
  expect(torn).toEqual([]);
});
