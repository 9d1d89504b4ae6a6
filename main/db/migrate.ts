/** @file Node. Brings a studio.db to the newest version: all steps in one transaction, or none. */
import type Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';
import type { Migration } from './migrations/migration.ts';
import { newestVersion, storeFingerprint, versionOf } from './schema.ts';
import { APPLICATION_ID } from './settings.ts';
import { studioErrorOf } from './sqliteErrors.ts';

/**
 * Applies what is missing. `backup` is called first when a file with content is about to be upgraded.
 * Throws DISK_FULL, DATABASE_BUSY, …, or INTERNAL when a step fails; the file then is as it was before.
 */
export function migrate(
  connection: Database.Database,
  migrations: readonly Migration[],
  backup: () => void,
): void {
  requireNoGaps(migrations);
  const from = versionOf(connection);
  if (from === newestVersion(migrations)) return;
  if (from > 0) backup();
  // With foreign keys on, dropping a table in order to rebuild it would delete every row that refers to it. The
  // pragma does nothing inside a transaction, hence here; foreign_key_check makes up for it before the commit.
  connection.pragma('foreign_keys = OFF');
  try {
    connection.transaction(() => applyMissing(connection, migrations)).immediate();
  } catch (thrown) {
    throw upgradeFailed(thrown, connection.name, from, newestVersion(migrations));
  } finally {
    connection.pragma('foreign_keys = ON');
  }
}

function applyMissing(connection: Database.Database, migrations: readonly Migration[]): void {
  // Read again: another process may have upgraded the file since.
  const from = versionOf(connection);
  for (const migration of migrations) {
    if (migration.version <= from) continue;
    migration.apply(connection);
    connection.pragma(`user_version = ${migration.version}`);
  }
  storeFingerprint(connection, migrations, newestVersion(migrations));
  connection.pragma(`application_id = ${APPLICATION_ID}`);
  const broken = connection.pragma('foreign_key_check') as { table: string }[];
  if (broken.length > 0)
    throw new Error(`${broken.length} rows of ${broken[0]!.table} would refer to nothing`);
}

function requireNoGaps(migrations: readonly Migration[]): void {
  for (const [at, migration] of migrations.entries()) {
    if (migration.version !== at + 1)
      throw new Error(`migration ${migration.name} stands at place ${at + 1}`);
  }
}

function upgradeFailed(thrown: unknown, path: string, from: number, to: number): unknown {
  const known = studioErrorOf(thrown, path);
  if (known instanceof StudioError) return known;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const what =
    from === 0 ? `${path} could not be made` : `${path} could not be upgraded from version ${from} to ${to}`;
  return new StudioError('INTERNAL', `${what}: ${reason}. It is as it was before.`, {
    nextStep:
      'This is a defect of Entail: please report it. The version you used before still opens the file.',
    place: { file: path },
    cause: thrown,
  });
}
