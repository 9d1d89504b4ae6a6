/** @file Node. What a person writes on a run, at any time and whoever trains it: name, notes, tags, archived or not. */
import { StudioError } from '../../shared/errors.ts';
import type { StudioDatabase } from './connection.ts';
import { write } from './connection.ts';
import { requireLabel } from './label.ts';
import { runKey } from './runKey.ts';

const LONGEST_NOTES = 100_000;

/** Gives a run a name; null takes it away. Throws NOT_FOUND, USAGE. */
export function renameRun(database: StudioDatabase, runId: string, name: string | null): void {
  const label = name === null ? null : requireLabel(name, 'The name of a run');
  update(database, runId, 'UPDATE runs SET name = ? WHERE number = ?', label);
}

/** Replaces a run's notes. Throws NOT_FOUND, USAGE when they are longer than 100,000 characters. */
export function setNotes(database: StudioDatabase, runId: string, notes: string): void {
  if (notes.length > LONGEST_NOTES)
    throw new StudioError(
      'USAGE',
      `Notes have at most ${LONGEST_NOTES} characters; these have ${notes.length}.`,
    );
  update(database, runId, 'UPDATE runs SET notes = ? WHERE number = ?', notes);
}

/** Hides a run from lists, or shows it again; nothing is deleted. Throws NOT_FOUND. */
export function setArchived(database: StudioDatabase, runId: string, archived: boolean): void {
  update(database, runId, 'UPDATE runs SET archived = ? WHERE number = ?', archived ? 1 : 0);
}

/** Gives a run one of the eight colours; null gives back the one that follows from its number. Throws NOT_FOUND. */
export function setColour(database: StudioDatabase, runId: string, colour: number | null): void {
  update(database, runId, 'UPDATE runs SET colour = ? WHERE number = ?', colour);
}

export interface Annotation {
  readonly name?: string | null | undefined;
  readonly notes?: string | undefined;
  readonly addTags?: readonly string[] | undefined;
  readonly removeTags?: readonly string[] | undefined;
  readonly archived?: boolean | undefined;
  readonly colour?: number | null | undefined;
}

/** One change to many runs, or to none of them. Throws as the functions above. */
export function annotateRuns(database: StudioDatabase, runIds: readonly string[], change: Annotation): void {
  write(database, () => {
    for (const runId of runIds) {
      if (change.name !== undefined) renameRun(database, runId, change.name);
      if (change.notes !== undefined) setNotes(database, runId, change.notes);
      for (const tag of change.addTags ?? []) addTag(database, runId, tag);
      for (const tag of change.removeTags ?? []) removeTag(database, runId, tag);
      if (change.archived !== undefined) setArchived(database, runId, change.archived);
      if (change.colour !== undefined) setColour(database, runId, change.colour);
    }
  });
}

/** Adds a tag; one that is there already stays. Throws NOT_FOUND, USAGE. */
export function addTag(database: StudioDatabase, runId: string, tag: string): void {
  const label = requireLabel(tag, 'A tag');
  write(database, () => {
    const insert = database.connection.prepare(
      'INSERT INTO run_tags (run, tag) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    insert.run(runKey(database, runId), label);
  });
}

/** Takes a tag away; one that is not there is fine. Throws NOT_FOUND. */
export function removeTag(database: StudioDatabase, runId: string, tag: string): void {
  write(database, () => {
    database.connection
      .prepare('DELETE FROM run_tags WHERE run = ? AND tag = ?')
      .run(runKey(database, runId), tag.trim());
  });
}

function update(database: StudioDatabase, runId: string, sql: string, value: string | number | null): void {
  write(database, () => void database.connection.prepare(sql).run(value, runKey(database, runId)));
}
