/** @file Node. Rows for the table of runs: what it shows of many thousand runs, read in few statements. */
import type { EngineRecord } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type { RunConfig, RunProgress, RunResult, RunState } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { type Figures, figuresOfRuns } from './figures.ts';

export interface TableRow {
  readonly number: number;
  readonly id: string;
  readonly name: string | null;
  readonly experiment: string | null;
  readonly state: RunState;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly archived: boolean;
  /** 0 to 7; null when nobody chose one. */
  readonly colour: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly replicateHash: string;
  readonly error: string | null;
  readonly progress: RunProgress | null;
  readonly config: RunConfig;
  readonly engine: EngineRecord | null;
  readonly result: RunResult | null;
  readonly figures: Figures;
}

interface StoredRow {
  readonly number: number;
  readonly id: string;
  readonly name: string | null;
  readonly experiment: string | null;
  readonly state: RunState;
  readonly tags: string | null;
  readonly notes: string;
  readonly archived: number;
  readonly colour: number | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly replicate_hash: string;
  readonly error: string | null;
  readonly progress: string | null;
  readonly config: string;
  readonly engine: string | null;
  readonly result: string | null;
}

const SELECT = `SELECT number, id, name, (SELECT experiments.name FROM experiments WHERE experiments.id = experiment) AS experiment,
    state, (SELECT json_group_array(tag ORDER BY tag) FROM run_tags WHERE run = number) AS tags, notes, archived, colour,
    created_at, started_at, finished_at, replicate_hash, error, progress, config, engine, result
  FROM runs`;

/** Newest first; all runs, or those of `ids` that are there. The checksums of configurations are not compared here. */
export function tableRows(database: StudioReader, ids: readonly string[] | null): TableRow[] {
  return read(database, () => {
    const where = ids === null ? '' : 'WHERE id IN (SELECT value FROM json_each(?))';
    const select = database.connection.prepare<unknown[], StoredRow>(
      `${SELECT} ${where} ORDER BY number DESC`,
    );
    const rows = ids === null ? select.all() : select.all(JSON.stringify(ids));
    const figures = figuresOfRuns(database, ids === null ? null : rows.map(({ number }) => number));
    return rows.map((row) => tableRow(row, figures.get(row.number) ?? {}));
  });
}

function tableRow(row: StoredRow, figures: Figures): TableRow {
  const { number, id, name, experiment, state, notes, colour } = row;
  return {
    ...{ number, id, name, experiment, state, notes, colour, figures },
    tags: parsed<string[]>(row.tags) ?? [],
    archived: row.archived === 1,
    createdAtMs: Date.parse(row.created_at),
    startedAtMs: row.started_at === null ? null : Date.parse(row.started_at),
    finishedAtMs: row.finished_at === null ? null : Date.parse(row.finished_at),
    replicateHash: row.replicate_hash,
    error: parsed<ErrorData>(row.error)?.message ?? null,
    progress: parsed<RunProgress>(row.progress),
    config: JSON.parse(row.config) as RunConfig,
    engine: parsed<EngineRecord>(row.engine),
    result: parsed<RunResult>(row.result),
  };
}

function parsed<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value);
}
