/** @file Node. What a person has chosen for the whole studio, as JSON by name: settings, the state of the queue. */
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';

/** The parsed JSON, or undefined when nothing was chosen. The caller parses it with a schema of its own. */
export function preference(database: StudioReader, name: string): unknown {
  const select = database.connection
    .prepare<[string], string>('SELECT value FROM preferences WHERE name = ?')
    .pluck();
  const text = read(database, () => select.get(name));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A preference that cannot be read is one that was never made; nothing is lost but a choice.
    return undefined;
  }
}

export function setPreference(database: StudioDatabase, name: string, value: unknown): void {
  write(database, () => {
    database.connection
      .prepare('INSERT OR REPLACE INTO preferences (name, value) VALUES (?, ?)')
      .run(name, JSON.stringify(value));
  });
}
