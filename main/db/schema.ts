/** @file Node. Which version a studio.db is, and whether its tables are those of that version. */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import type { Migration } from './migrations/migration.ts';

/** The version that a list of migrations leads to. */
export function newestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/** The version of an open file. */
export function versionOf(connection: Database.Database): number {
  return Number(connection.pragma('user_version', { simple: true }));
}

/**
 * SHA-256 over the definitions of our tables, indexes and triggers as they stand in a file. Written down by an upgrade
 * and compared at each start: a wrong byte in a definition could otherwise lose a rule without anybody noticing.
 * What a person added beside them does not count. The texts are those of the file, never compared with texts made
 * today: a later SQLite may write down the same definition differently.
 */
export function schemaFingerprint(
  connection: Database.Database,
  migrations: readonly Migration[],
  version: number,
): string {
  const definitions = definitionsIn(connection);
  const ours = objectsOfVersion(migrations, version).map((name) => [name, definitions.get(name) ?? null]);
  return createHash('sha256').update(JSON.stringify(ours)).digest('hex');
}

/** Writes the fingerprint down, inside the transaction of an upgrade. */
export function storeFingerprint(
  connection: Database.Database,
  migrations: readonly Migration[],
  version: number,
): void {
  const store = connection.prepare("INSERT OR REPLACE INTO properties (name, value) VALUES ('schema', ?)");
  store.run(schemaFingerprint(connection, migrations, version));
}

/** Whether the definitions are those that the last upgrade left. */
export function hasItsSchema(
  connection: Database.Database,
  migrations: readonly Migration[],
  version: number,
): boolean {
  if (!definitionsIn(connection).has('properties')) return false;
  const stored = connection
    .prepare<[], string>("SELECT value FROM properties WHERE name = 'schema'")
    .pluck()
    .get();
  return stored === schemaFingerprint(connection, migrations, version);
}

/** Name → SQL of every object of an open file, SQLite's own left out. */
export function definitionsIn(connection: Database.Database): ReadonlyMap<string, string> {
  const rows = connection
    .prepare<[], { name: string; sql: string }>('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all();
  return new Map(rows.filter((row) => !row.name.startsWith('sqlite_')).map((row) => [row.name, row.sql]));
}

/** Names of what the migrations up to a version make, sorted. */
function objectsOfVersion(migrations: readonly Migration[], version: number): string[] {
  const model = new Database(':memory:');
  try {
    for (const migration of migrations) if (migration.version <= version) migration.apply(model);
    return [...definitionsIn(model).keys()].sort();
  } finally {
    model.close();
  }
}
