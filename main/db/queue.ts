/** @file Node. The queue: runs in state "queued", in the order of their places. It outlives every process. */
import { type DeviceName, type DevicesWish, devicesWishSchema, ONE_DEVICE } from '../../shared/devices.ts';
import { type ErrorData, StudioError } from '../../shared/errors.ts';
import type { RunConfig, RunRecord, RunState } from '../../shared/runs.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { claimRun, type Lease, requireFree, requireLease } from './lease.ts';
import { runKey } from './runKey.ts';
import { findRun } from './runs.ts';

export interface WaitingRun {
  readonly id: string;
  readonly name: string | null;
  readonly config: RunConfig;
  readonly createdAtMs: number;
  readonly place: number;
  /** Its state before it was put into the queue to go on; null for a new one. */
  readonly queuedFrom: RunState | null;
  /** What it asks to be computed on. */
  readonly devices: DevicesWish;
  /** Whether it starts beside a program that is no Entail, rather than wait for it. */
  readonly besidePrograms: boolean;
  /** What it failed with, or was interrupted by, before that. */
  readonly error: ErrorData | null;
}

interface WaitingRow {
  readonly id: string;
  readonly name: string | null;
  readonly config: string;
  readonly created_at: string;
  readonly queue_place: number;
  readonly queued_from: RunState | null;
  readonly error: string | null;
  readonly devices: string | null;
  readonly beside_programs: 0 | 1;
}

/** States from which a run can go on. */
const RESUMABLE: ReadonlySet<RunState> = new Set(['stopped', 'interrupted', 'failed']);

/** In the order in which they start. */
export function waitingRuns(database: StudioReader): WaitingRun[] {
  const select = database.connection.prepare<[], WaitingRow>(
    `SELECT id, name, config, created_at, queue_place, queued_from, error, devices, beside_programs FROM runs
     WHERE state = 'queued' ORDER BY queue_place, number`,
  );
  return read(database, () => select.all()).map((row) => ({
    id: row.id,
    name: row.name,
    config: JSON.parse(row.config) as RunConfig,
    createdAtMs: Date.parse(row.created_at),
    place: row.queue_place,
    queuedFrom: row.queued_from,
    devices: wishIn(row.devices),
    besidePrograms: row.beside_programs === 1,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorData),
  }));
}

/** A place before or after all that wait. */
export function placeAt(database: StudioReader, end: 'front' | 'back'): number {
  const waiting = waitingRuns(database);
  if (waiting.length === 0) return 0;
  return end === 'front' ? waiting[0]!.place - 1 : waiting.at(-1)!.place + 1;
}

/**
 * Puts a waiting run before the one that stands at `to` among the others; only those that `counts` accepts are counted.
 * Throws NOT_FOUND, USAGE when it does not wait.
 */
export function moveInQueue(
  database: StudioDatabase,
  runId: string,
  to: number,
  counts: (runId: string) => boolean = () => true,
): void {
  write(database, () => {
    const moved = requireWaiting(database, runId);
    const others = waitingRuns(database).filter(({ id }) => id !== moved.id);
    const next = others.filter(({ id }) => counts(id))[to];
    const at = next === undefined ? others.length : others.indexOf(next);
    const order = [...others.slice(0, at), moved, ...others.slice(at)];
    // Whole numbers again, so that no place is ever halved away.
    const update = database.connection.prepare('UPDATE runs SET queue_place = ? WHERE id = ?');
    for (const [place, { id }] of order.entries()) update.run(place, id);
  });
}

/** A waiting run does not wait for programs any more. Throws NOT_FOUND, USAGE when it does not wait. */
export function startBesidePrograms(database: StudioDatabase, runId: string): string {
  return write(database, () => {
    const { id } = requireWaiting(database, runId);
    database.connection.prepare('UPDATE runs SET beside_programs = 1 WHERE id = ?').run(id);
    return id;
  });
}

/** How a run goes on; what is not said of its devices is as before. */
export interface GoingOnWish {
  readonly devices?: DevicesWish | undefined;
  /** Of this time alone: the program that a person meant may be another one the next time. */
  readonly besidePrograms?: boolean | undefined;
  /** Tokens computed at once from then on, 0 for what Entail chooses; as before where it is left out. */
  readonly microBatchTokens?: number | undefined;
}

/** Puts a run that can go on at the end of the queue. Throws NOT_FOUND, USAGE, LOCKED while a process works on it. */
export function queueAgain(
  database: StudioDatabase,
  runId: string,
  { devices, besidePrograms = false, microBatchTokens }: GoingOnWish = {},
): void {
  write(database, () => {
    const { id, state } = findRun(database, runId);
    requireFree(database, id, runKey(database, id), false);
    if (!RESUMABLE.has(state)) {
      throw new StudioError(
        'USAGE',
        `Run ${id} is ${state}; only a run that was stopped, interrupted or has failed goes on.`,
      );
    }
    database.connection
      .prepare(
        "UPDATE runs SET state = 'queued', queue_place = ?, queued_from = ?, beside_programs = ? WHERE id = ?",
      )
      .run(placeAt(database, 'back'), state, besidePrograms ? 1 : 0, id);
    storeWish(database, id, { devices, microBatchTokens });
  });
}

/** Takes a run that was to go on out of the queue: it is what it was before. Throws NOT_FOUND, USAGE for a new one. */
export function leaveQueue(database: StudioDatabase, runId: string): void {
  write(database, () => {
    const { id, queuedFrom } = requireWaiting(database, runId);
    if (queuedFrom === null) throw new StudioError('USAGE', `Run ${id} has never run; delete it instead.`);
    database.connection
      .prepare('UPDATE runs SET state = queued_from, queue_place = NULL, queued_from = NULL WHERE id = ?')
      .run(id);
  });
}

/** Takes a waiting run for this process, to be computed on `devices`. Throws NOT_FOUND, USAGE when it does not wait any more. */
export function claimQueued(database: StudioDatabase, runId: string, devices: readonly DeviceName[]): Lease {
  return write(database, () => {
    const { id } = requireWaiting(database, runId);
    database.connection
      .prepare("UPDATE runs SET state = 'preparing', queue_place = NULL, queued_from = NULL WHERE id = ?")
      .run(id);
    return claimRun(database, id, devices);
  });
}

/**
 * Takes a run that does not wait in the queue for this process, to go on with it on `devices`; `wish` takes the place of what
 * it asked for. What another process has made of it since it was last looked at counts. Throws NOT_FOUND, USAGE as `requireResumable`, LOCKED.
 */
export function claimResumable(
  database: StudioDatabase,
  runId: string,
  devices: readonly DeviceName[],
  wish: Pick<GoingOnWish, 'devices' | 'microBatchTokens'>,
): Lease {
  return write(database, () => {
    requireResumable(findRun(database, runId));
    storeWish(database, runId, wish);
    return claimRun(database, runId, devices);
  });
}

/** Throws USAGE for a run that has nothing left to do, or is to go on from the queue. */
export function requireResumable({ id, state }: Pick<RunRecord, 'id' | 'state'>): void {
  if (state === 'completed') {
    throw new StudioError('USAGE', `Run ${id} is completed; there is nothing to resume.`, {
      nextStep: `Look at it: npx --no entail runs show ${id}`,
    });
  }
  if (state === 'queued') {
    throw new StudioError('USAGE', `Run ${id} waits in the queue.`, {
      nextStep: 'Look at the queue: npx --no entail queue list, or its page in the studio.',
    });
  }
}

/** A run that this process has claimed and not begun waits again, where it stood. Throws LOCKED when it is not ours. */
export function giveBack(
  database: StudioDatabase,
  { id, place, queuedFrom, devices, error }: WaitingRun,
): void {
  write(database, () => {
    requireLease(database, id, runKey(database, id));
    const restore = database.connection.prepare(
      "UPDATE runs SET state = 'queued', queue_place = ?, queued_from = ?, devices = ?, error = ? WHERE id = ?",
    );
    const kept = error === null ? null : JSON.stringify(error);
    restore.run(place, queuedFrom, JSON.stringify(devices), kept, id);
  });
}

/** Threads that were asked for; null is one a processor. Throws NOT_FOUND. */
export function threadsOf(database: StudioReader, runId: string): number | null {
  const select = database.connection
    .prepare<[number], number | null>('SELECT threads FROM runs WHERE number = ?')
    .pluck();
  return read(database, () => select.get(runKey(database, runId)) ?? null);
}

/** What a run asks to be computed on. Throws NOT_FOUND. */
export function devicesWishOf(database: StudioReader, runId: string): DevicesWish {
  const select = database.connection
    .prepare<[number], string | null>('SELECT devices FROM runs WHERE number = ?')
    .pluck();
  return wishIn(read(database, () => select.get(runKey(database, runId)) ?? null));
}

function storeWish(
  database: StudioDatabase,
  runId: string,
  { devices, microBatchTokens }: Pick<GoingOnWish, 'devices' | 'microBatchTokens'>,
): void {
  const set = (column: 'devices' | 'micro_batch_tokens', value: string | number) =>
    database.connection.prepare(`UPDATE runs SET ${column} = ? WHERE id = ?`).run(value, runId);
  if (devices !== undefined) set('devices', JSON.stringify(devices));
  if (microBatchTokens !== undefined) set('micro_batch_tokens', microBatchTokens);
}

/** Tokens that a run computes at once since it was resumed with a number of its own; null: as its configuration says. */
export function microBatchWishOf(database: StudioReader, runId: string): number | null {
  const find = database.connection.prepare('SELECT micro_batch_tokens FROM runs WHERE id = ?');
  return find.pluck().get(runId) as number | null;
}

/** Runs that are older than the choice ask for one, and so do those whose wish a later Entail wrote. */
function wishIn(text: string | null): DevicesWish {
  const wish = devicesWishSchema.safeParse(text === null ? null : JSON.parse(text));
  return wish.success ? wish.data : ONE_DEVICE;
}

/** By id or the unique beginning of one. Throws NOT_FOUND, USAGE when it does not wait. */
export function requireWaiting(database: StudioReader, idOrPrefix: string): WaitingRun {
  const run = findRun(database, idOrPrefix);
  const waiting = waitingRuns(database).find(({ id }) => id === run.id);
  if (waiting !== undefined) return waiting;
  throw new StudioError('USAGE', `Run ${run.id} does not wait in the queue; it is ${run.state}.`, {
    nextStep: 'Look at the queue again: npx --no entail queue list, or its page in the studio.',
  });
}
