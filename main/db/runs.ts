/** @file Node. Runs: making, finding and listing them. */
import { type DevicesWish, ONE_DEVICE } from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Environment, RunConfig, RunRecord } from '../../shared/runs.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { experimentKey } from './experiments.ts';
import { requireLabel } from './label.ts';
import { insertLease } from './lease.ts';
import { nextRunId, normaliseRunId } from './runId.ts';
import { noSuchRun } from './runKey.ts';
import type { RunRow } from './runRecord.ts';
import { replicateHash, runRecord, SELECT_RUNS, storedConfig } from './runRecord.ts';
import { corrupt } from './sqliteErrors.ts';

export interface NewRun {
  /** Made if there is none of that name. */
  readonly experiment?: string;
  readonly name?: string;
  readonly config: RunConfig;
  readonly environment: Environment;
  /** One when it is not told. */
  readonly devices?: DevicesWish;
  /** Of one that is queued: it starts beside a program that is no Entail, rather than wait for it. */
  readonly besidePrograms?: boolean;
  /** Makes the run "queued", before all that have a greater place; nobody holds it then. */
  readonly queue?: { readonly place: number; readonly threads: number | null };
}

/**
 * Stores a new run and returns its id, such as "r7f3k2". Unless it is queued its state is "preparing", and it belongs
 * to this process from the start, so that no other takes it for an orphan before `claimRun`.
 */
export function createRun(database: StudioDatabase, run: NewRun): string {
  const name = run.name === undefined ? null : requireLabel(run.name, 'The name of a run');
  const config = storedConfig(run.config);
  return write(database, () => {
    const { connection, owner } = database;
    const experiment = run.experiment === undefined ? null : experimentKey(database, run.experiment);
    const previous = connection.prepare<[], string>('SELECT max(id) FROM runs').pluck().get() ?? null;
    const id = nextRunId(previous, Date.now());
    const insert = connection.prepare(
      `INSERT INTO runs (id, experiment, name, state, config, config_hash, replicate_hash, environment, created_at,
         queue_place, threads, devices, beside_programs)
       VALUES (:id, :experiment, :name, :state, :config, :hash, :replicate, :environment, :now, :place, :threads,
         :devices, :besidePrograms)`,
    );
    const { lastInsertRowid } = insert.run({
      ...{ id, experiment, name, config: config.text, hash: config.hash },
      state: run.queue === undefined ? 'preparing' : 'queued',
      replicate: replicateHash(run.config),
      environment: JSON.stringify(run.environment),
      now: new Date().toISOString(),
      place: run.queue?.place ?? null,
      threads: run.queue?.threads ?? null,
      devices: JSON.stringify(run.devices ?? ONE_DEVICE),
      besidePrograms: run.besidePrograms === true ? 1 : 0,
    });
    if (run.queue === undefined) insertLease(connection, Number(lastInsertRowid), owner, null);
    return id;
  });
}

/**
 * The run of that id, or the only one whose id starts so. Throws NOT_FOUND; USAGE, naming some, when several ids
 * start so; DATABASE_CORRUPT when the stored configuration or result is not what was written.
 */
export function findRun(database: StudioReader, idOrUniquePrefix: string): RunRecord {
  const prefix = normaliseRunId(idOrUniquePrefix);
  // A range, unlike LIKE, is answered by the index; "~" sorts after every digit of an id.
  const select = `${SELECT_RUNS} WHERE runs.id >= ? AND runs.id < ? || '~' ORDER BY runs.id LIMIT 6`;
  const rows = read(database, () =>
    database.connection.prepare<[string, string], RunRow>(select).all(prefix, prefix),
  );
  const found = rows.find((row) => row.id === prefix) ?? rows[0];
  if (prefix === '' || found === undefined) throw noSuchRun(idOrUniquePrefix);
  if (rows.length > 1 && found.id !== prefix) {
    throw new StudioError(
      'USAGE',
      `"${idOrUniquePrefix}" could be ${rows.map((row) => row.id).join(', ')}${rows.length > 5 ? ', …' : ''}.`,
      {
        nextStep: 'Type more of the id.',
      },
    );
  }
  if (!found.id.startsWith(prefix)) throw corrupt(database.path, 'the index of runs does not fit its table');
  return runRecord(found, database.path);
}

export interface RunFilter {
  readonly includeArchived?: boolean;
  readonly experiment?: string;
  readonly limit?: number;
}

/** Runs, newest first. */
export function listRuns(database: StudioReader, filter: RunFilter = {}): RunRecord[] {
  const conditions = [
    ...(filter.includeArchived === true ? [] : ['runs.archived = 0']),
    ...(filter.experiment === undefined
      ? []
      : ['runs.experiment = (SELECT id FROM experiments WHERE name = :experiment)']),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const select = `${SELECT_RUNS} ${where} ORDER BY number DESC LIMIT :limit`;
  const parameters = {
    limit: filter.limit ?? -1,
    ...(filter.experiment === undefined ? {} : { experiment: filter.experiment }),
  };
  const rows = read(database, () => database.connection.prepare<[object], RunRow>(select).all(parameters));
  return rows.map((row) => runRecord(row, database.path));
}
