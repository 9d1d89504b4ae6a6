/** @file Node. From a run's id to the number under which its rows are kept. */
import { StudioError } from '../../shared/errors.ts';
import type { StudioReader } from './connection.ts';
import { keptStatement, read } from './connection.ts';

/** The number of the run of that whole id. Throws NOT_FOUND. For files of db/. */
export function runKey(database: StudioReader, runId: string): number {
  const row = read(database, () =>
    keptStatement<[number]>(database.connection, 'SELECT number FROM runs WHERE id = ?').get(runId),
  );
  if (row === undefined) throw noSuchRun(runId);
  return row[0];
}

/** What a person hears who typed the id of a run that is not there. */
export function noSuchRun(typed: string): StudioError {
  return new StudioError('NOT_FOUND', `There is no run "${typed}".`, {
    nextStep: 'List them: npx --no entail runs list --all.',
  });
}
