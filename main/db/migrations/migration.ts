/** @file Node. What a migration of studio.db is. */
import type Database from 'better-sqlite3';

/** One step from version N - 1 to N. */
export interface Migration {
  /** N, counted from 1 without gaps. */
  readonly version: number;
  /** File name without its extension. */
  readonly name: string;
  /** Changes the schema and moves the rows, inside a transaction with foreign keys off. */
  apply(connection: Database.Database): void;
}
