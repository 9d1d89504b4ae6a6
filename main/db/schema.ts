/** @file Node. Which version a studio.db is, and whether its tables are those of that version. */
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
 * The objects of a studio.db of a version, by name, as SQLite writes them down. A file whose own differ is damaged;
 * objects that a person added beside them are not looked at.
 */
export function schemaOfVersion(
  migrations: readonly Migration[],
  version: number,
): ReadonlyMap<string, string> {
  const model = new Database(':memory:');
  try {
    for (const migration of migrations) if (migration.version <= version) migration.apply(model);
    return schemaOf(model);
  } finally {
    model.close();
  }
}

/** Name → SQL of every object of an open file, SQLite's own left out. */
export function schemaOf(connection: Database.Database): ReadonlyMap<string, string> {
  const rows = connection
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .all();
  return new Map(rows.map((row) => [row.name, row.sql]));
}
