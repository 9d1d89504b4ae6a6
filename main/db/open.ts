/** @file Node. Opens studio.db: looks before it touches, repairs, upgrades, and closes properly. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';
import { writeError } from '../files/fileErrors.ts';
import { backupBeforeUpgrade } from './backup.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { putInOrder } from './damaged.ts';
import { inspectDatabase, openReadOnly } from './inspect.ts';
import { networkFileSystemOf, requireLocal } from './localFileSystem.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/inOrder.ts';
import type { Migration } from './migrations/migration.ts';
import { registerOpening, removeOpening } from './openings.ts';
import { thisProcess } from './processOwner.ts';
import { newestVersion } from './schema.ts';
import { applySettings } from './settings.ts';
import { corrupt, studioErrorOf } from './sqliteErrors.ts';

export interface OpenOptions {
  /** Looks only: a file that is missing, damaged or of an older version is then an error. */
  readonly readOnly?: boolean;
  /** Tests bring their own; everybody else takes what is in migrations/. */
  readonly migrations?: readonly Migration[];
  /** Names the network file system of a folder, null for a local one. Tests bring their own. */
  readonly networkFileSystemOf?: (folder: string) => string | null;
}

/** Closing waits this long, not five seconds, for other processes to let the -wal file be emptied. */
const CLOSING_TIMEOUT_MS = 250;

/**
 * Opens the database at `path`, making it and its folder if need be. Show `notices` to the person: a damaged file was
 * renamed aside, and a backup restored or a fresh file begun.
 *
 * Throws StudioError: DATABASE_NEWER (file untouched), BAD_FILE (another program's database, untouched),
 * WRITE_FAILED (read-only or network folder), DISK_FULL, DATABASE_BUSY, LOCKED (somebody else is repairing it);
 * with `readOnly` also NOT_FOUND and DATABASE_CORRUPT.
 */
export function openStudioDatabase(
  path: string,
  options: OpenOptions & { readonly readOnly: true },
): StudioReader;
export function openStudioDatabase(
  path: string,
  options?: OpenOptions & { readonly readOnly?: false },
): StudioDatabase;
export function openStudioDatabase(path: string, options: OpenOptions = {}): StudioReader | StudioDatabase {
  const absolute = resolve(path);
  return options.readOnly === true ? openReader(absolute, options) : openWriter(absolute, options);
}

function openWriter(path: string, options: OpenOptions): StudioDatabase {
  const migrations = options.migrations ?? MIGRATIONS;
  requireWritableFolder(path, options.networkFileSystemOf ?? networkFileSystemOf);
  const notices = putInOrder(path, migrations);
  const owner = thisProcess();
  const { connection, opening } = connect(path, (fresh) => {
    applySettings(fresh, path, 'writer');
    migrate(fresh, migrations, () => void backupBeforeUpgrade(fresh, path));
    const opening = registerOpening(fresh, owner);
    // Until the tables are in the file itself, a lost -wal would leave nothing that can be recognised.
    fresh.pragma('wal_checkpoint(PASSIVE)');
    return opening;
  });
  const close = (): void => closeWriter(connection, opening);
  return { path, notices, connection, close, owner, claimed: new Set() };
}

function connect(
  path: string,
  prepare: (fresh: Database.Database) => number,
): { connection: Database.Database; opening: number } {
  let connection: Database.Database | undefined;
  try {
    connection = new Database(path);
    return { connection, opening: prepare(connection) };
  } catch (thrown) {
    connection?.close();
    throw studioErrorOf(thrown, path);
  }
}

function openReader(path: string, options: OpenOptions): StudioReader {
  const migrations = options.migrations ?? MIGRATIONS;
  const condition = inspectDatabase(path, migrations, 'start');
  if (condition.kind === 'damaged') throw corrupt(path, condition.reason);
  if (condition.kind !== 'sound') {
    throw new StudioError('NOT_FOUND', `There is no database at ${path} yet.`, {
      nextStep: 'Train something first: npx --no entail demo.',
      place: { file: path },
    });
  }
  if (condition.version < newestVersion(migrations)) {
    throw new StudioError(
      'WRITE_FAILED',
      `${path} is of an older version and must be upgraded before it can be read.`,
      {
        nextStep: 'Start Entail once so that it may write to the file: npx --no entail runs list.',
        place: { file: path },
      },
    );
  }
  const connection = openReadOnly(path);
  applySettings(connection, path, 'reader');
  return { path, notices: [], connection, close: () => void connection.close() };
}

/** Makes the folder if need be; a person hears "read-only" here, not as the first failed insert of a training run. */
function requireWritableFolder(path: string, nameNetwork: (folder: string) => string | null): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    throw writeError(thrown, path);
  }
  requireLocal(folder, nameNetwork(folder));
}

/** Everything committed is safe already: what fails here costs the next start a longer check, no more. */
function closeWriter(connection: Database.Database, opening: number): void {
  if (!connection.open) return;
  try {
    connection.pragma(`busy_timeout = ${CLOSING_TIMEOUT_MS}`);
    connection.pragma('optimize');
    removeOpening(connection, opening);
    connection.pragma('wal_checkpoint(TRUNCATE)');
  } catch (thrown) {
    if (!(thrown instanceof Database.SqliteError)) throw thrown;
  } finally {
    connection.close();
  }
}
