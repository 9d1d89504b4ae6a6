/**
 * @file Node. Leases: which process may write a run's rows. A lease is dead when its process is, whatever the row
 * says, so nothing has to be cleaned up by hand after a crash.
 */
import type Database from 'better-sqlite3';
import type { DeviceName } from '../../shared/devices.ts';
import { type ErrorData, StudioError } from '../../shared/errors.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import type { ProcessOwner } from './processOwner.ts';
import { isOwnerAlive, isSameProcess } from './processOwner.ts';
import { runKey } from './runKey.ts';

/** The right to write a run's rows, until `release` or the end of the process. */
export interface Lease {
  readonly runId: string;
  /** Says that the owner is alive; due every few seconds. Throws LOCKED when another process has taken the run. */
  heartbeat(): void;
  /** Gives the run up; a second call does nothing. */
  release(): void;
}

export interface LeaseHolder extends ProcessOwner {
  readonly since: string;
  readonly heartbeatAt: string;
}

/**
 * Takes a run for this process, to be computed on `devices`: a new one, one whose process is gone, or one that nobody holds.
 * From then on it asks for as many as these, unless it has named them: it goes on as it began. Where there are fewer now than
 * it began on, or none, because something keeps it from starting, it still asks for what it did.
 * Throws LOCKED, naming process, host and time, when a living process (this one included) has it; NOT_FOUND.
 */
export function claimRun(
  database: StudioDatabase,
  runId: string,
  devices: readonly DeviceName[] = ['cpu'],
): Lease {
  const { connection, owner, claimed } = database;
  write(database, () => {
    const run = runKey(database, runId);
    const holder = leaseOf(connection, run);
    // The lease that createRun made for us is ours to take, once.
    const waitsForUs = holder !== null && isSameProcess(holder, owner) && !claimed.has(runId);
    if (holder !== null && isOwnerAlive(holder, holder.heartbeatAt) && !waitsForUs)
      throw locked(runId, holder);
    insertLease(connection, run, owner, devices);
    if (devices.length > 0) keepCount(connection, run, devices.length);
    // What was asked of an earlier attempt that ended before it heard of it is not meant for this one.
    connection.prepare('DELETE FROM run_requests WHERE run = ?').run(run);
  });
  claimed.add(runId);
  return {
    runId,
    heartbeat: () => write(database, () => requireLease(database, runId, runKey(database, runId))),
    release: () => releaseRun(database, runId),
  };
}

/** Inside a transaction. Names stay; "all" and "free", which count as none here, become so many. */
function keepCount(connection: Database.Database, run: number, count: number): void {
  const keep = connection.prepare(
    `UPDATE runs SET devices = ? WHERE number = ? AND (devices IS NULL OR
     (devices NOT LIKE '[%' AND CAST(devices AS INTEGER) < ?))`,
  );
  keep.run(String(count), run, count);
}

/** The living process that has a run, or null. Throws NOT_FOUND. */
export function holderOf(database: StudioReader, runId: string): LeaseHolder | null {
  return read(database, () => {
    const holder = leaseOf(database.connection, runKey(database, runId));
    return holder !== null && isOwnerAlive(holder, holder.heartbeatAt) ? holder : null;
  });
}

/**
 * Called at start: runs that were being worked on by a process that is gone become "interrupted"; they can be
 * resumed. Returns their ids.
 */
export function interruptOrphans(database: StudioDatabase): string[] {
  const { connection } = database;
  return write(database, () => {
    const held = connection.prepare<[], LeaseRow>('SELECT * FROM leases').all();
    const dead = held.filter((row) => !isOwnerAlive(holderIn(row), row.heartbeat_at));
    const forget = connection.prepare('DELETE FROM leases WHERE run = ?');
    for (const row of dead) forget.run(row.run);
    const orphans = connection
      .prepare<[], number>(
        `SELECT number FROM runs WHERE number NOT IN (SELECT run FROM leases)
         AND state IN ('preparing', 'running', 'pausing', 'paused', 'stopping')`,
      )
      .pluck()
      .all();
    const interrupt = connection
      .prepare<[string, string, number], string>(
        "UPDATE runs SET state = 'interrupted', finished_at = ?, error = ? WHERE number = ? RETURNING id",
      )
      .pluck();
    const now = new Date().toISOString();
    const ids = orphans.map((run) => {
      const error = JSON.stringify(lostProcess(dead.find((row) => row.run === run)));
      return interrupt.get(now, error, run) ?? '';
    });
    return ids.sort();
  });
}

/** Why a run was interrupted whose process can no longer say it. */
function lostProcess(lease: LeaseRow | undefined): ErrorData {
  const process = lease === undefined ? 'The process' : `Process ${lease.pid} on ${lease.host}`;
  return {
    code: 'INTERRUPTED',
    message: `${process}, which trained it, ended without a word: it was killed, or the computer went off.`,
    nextStep: 'Resume it: it goes on from its last checkpoint.',
  };
}

/** Inside a transaction: throws LOCKED unless this process has the run; renews the heartbeat. For files of db/. */
export function requireLease(database: StudioDatabase, runId: string, run: number): void {
  const { connection, owner } = database;
  const holder = leaseOf(connection, run);
  if (holder === null || !isSameProcess(holder, owner)) throw locked(runId, holder);
  connection.prepare('UPDATE leases SET heartbeat_at = ? WHERE run = ?').run(new Date().toISOString(), run);
}

/** Inside a transaction: throws LOCKED when a living process, other than this one if `allowOwn`, has the run. */
export function requireFree(database: StudioDatabase, runId: string, run: number, allowOwn: boolean): void {
  const holder = leaseOf(database.connection, run);
  if (holder === null || !isOwnerAlive(holder, holder.heartbeatAt)) return;
  if (!allowOwn || !isSameProcess(holder, database.owner)) throw locked(runId, holder);
}

/** Inside a transaction: writes the lease of a run, in place of another; `devices` once they are known. For files of db/. */
export function insertLease(
  connection: Database.Database,
  run: number,
  owner: ProcessOwner,
  devices: readonly DeviceName[] | null,
): void {
  const now = new Date().toISOString();
  const insert = connection.prepare(
    `INSERT OR REPLACE INTO leases (run, pid, process_started, host, since, heartbeat_at, devices)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const taken = devices === null ? null : JSON.stringify(devices);
  insert.run(run, owner.pid, owner.processStarted, owner.host, now, now, taken);
}

function releaseRun(database: StudioDatabase, runId: string): void {
  const { connection, owner, claimed } = database;
  if (!claimed.delete(runId)) return;
  write(database, () => {
    const forget = connection.prepare(
      'DELETE FROM leases WHERE run = (SELECT number FROM runs WHERE id = ?) AND pid = ? AND process_started IS ? AND host = ?',
    );
    forget.run(runId, owner.pid, owner.processStarted, owner.host);
  });
}

interface LeaseRow {
  readonly run: number;
  readonly pid: number;
  readonly process_started: string | null;
  readonly host: string;
  readonly since: string;
  readonly heartbeat_at: string;
}

function leaseOf(connection: Database.Database, run: number): LeaseHolder | null {
  const row = connection.prepare<[number], LeaseRow>('SELECT * FROM leases WHERE run = ?').get(run);
  return row === undefined ? null : holderIn(row);
}

function holderIn(row: LeaseRow): LeaseHolder {
  return {
    pid: row.pid,
    processStarted: row.process_started,
    host: row.host,
    since: row.since,
    heartbeatAt: row.heartbeat_at,
  };
}

function locked(runId: string, holder: LeaseHolder | null): StudioError {
  if (holder === null) {
    return new StudioError(
      'LOCKED',
      `Run ${runId} was not claimed by this process, which therefore may not write to it.`,
      {
        nextStep: `Continue it: npx --no entail runs resume ${runId}.`,
      },
    );
  }
  return new StudioError(
    'LOCKED',
    `Run ${runId} belongs to process ${holder.pid} on ${holder.host} since ${holder.since}.`,
    {
      nextStep: 'Wait until it is done, or stop it where it runs (Ctrl-C).',
    },
  );
}
