/** @file Node. What tells that a run's row has changed, for all runs at once. */
import type { RunProgress, RunState } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';

export interface RunStamp {
  /** Different whenever the row is. */
  readonly text: string;
  readonly state: RunState;
  /** Of a run that is being worked on; null otherwise. */
  readonly progress: RunProgress | null;
}

interface Row {
  readonly id: string;
  readonly text: string;
  readonly state: RunState;
  readonly progress: string | null;
}

/** By id. */
export function runStamps(database: StudioReader): Map<string, RunStamp> {
  const select = database.connection.prepare<[], Row>(
    `SELECT id, state, CASE WHEN state IN ('preparing', 'running', 'pausing', 'paused', 'stopping') THEN progress END AS progress,
       concat_ws('|', state, name, archived, colour, queue_place, finished_at, length(notes), progress,
         (SELECT group_concat(tag) FROM run_tags WHERE run = number)) AS text
     FROM runs`,
  );
  const rows = read(database, () => select.all());
  return new Map(
    rows.map(({ id, text, state, progress }) => [
      id,
      { text, state, progress: progress === null ? null : (JSON.parse(progress) as RunProgress) },
    ]),
  );
}
