/** @file Node. Views: how a person looks at a page, by name; "" is how it looked last. */
import type { View, ViewPage } from '../../shared/contract/views.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';

interface ViewRow {
  readonly name: string;
  readonly state: string;
  readonly saved_at: string;
}

/** A page's views by name. */
export function listViews(database: StudioReader, page: ViewPage): View[] {
  const select = database.connection.prepare<[string], ViewRow>(
    'SELECT name, state, saved_at FROM views WHERE page = ? ORDER BY name',
  );
  return read(database, () => select.all(page)).map(({ name, state, saved_at }) => ({
    page,
    name,
    state: JSON.parse(state) as unknown,
    savedAtMs: Date.parse(saved_at),
  }));
}

export function saveView(database: StudioDatabase, page: ViewPage, name: string, state: unknown): void {
  write(database, () => {
    database.connection
      .prepare('INSERT OR REPLACE INTO views (page, name, state, saved_at) VALUES (?, ?, ?, ?)')
      .run(page, name, JSON.stringify(state), new Date().toISOString());
  });
}

/** One that is not there is fine. */
export function deleteView(database: StudioDatabase, page: ViewPage, name: string): void {
  write(database, () => {
    database.connection.prepare('DELETE FROM views WHERE page = ? AND name = ?').run(page, name);
  });
}
