/** @file Node. Runs with weights, for a list of models: many thousand of them in two statements. */
import type { RunConfig, RunResult, RunState } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { configOf, resultOf } from './runRecord.ts';

export interface StoredModel {
  readonly number: number;
  readonly id: string;
  readonly name: string | null;
  readonly state: RunState;
  /** 0 to 7; null when nobody chose one. */
  readonly colour: number | null;
  readonly config: RunConfig;
  readonly result: RunResult | null;
  readonly parameters: number | null;
  readonly createdAt: string;
  /** Newest first; at least one. */
  readonly checkpoints: readonly StoredWeights[];
}

interface StoredWeights {
  readonly kind: 'last' | 'best';
  readonly step: number;
  readonly sizeBytes: number;
}

interface ModelRow {
  readonly number: number;
  readonly id: string;
  readonly name: string | null;
  readonly state: RunState;
  readonly colour: number | null;
  readonly config: string;
  readonly config_hash: string;
  readonly result: string | null;
  readonly result_crc: number | null;
  readonly parameters: number | null;
  readonly created_at: string;
}

const RUNS = `SELECT number, id, name, state, colour, config, config_hash, result, result_crc, parameters, created_at
  FROM runs WHERE archived = 0 AND number IN (SELECT run FROM checkpoints) ORDER BY number DESC`;
const CHECKPOINTS = `SELECT run, kind, step, size_bytes AS sizeBytes FROM checkpoints ORDER BY run, step DESC, id DESC`;

/** Runs that have a checkpoint and are not archived, newest first. Throws DATABASE_CORRUPT as `findRun`. */
export function storedModels(database: StudioReader): StoredModel[] {
  return read(database, () => {
    const checkpoints = new Map<number, StoredWeights[]>();
    const every = database.connection.prepare<[], StoredWeights & { readonly run: number }>(CHECKPOINTS);
    for (const { run, ...weights } of every.iterate()) {
      const known = checkpoints.get(run);
      if (known === undefined) checkpoints.set(run, [weights]);
      else known.push(weights);
    }
    const rows = database.connection.prepare<[], ModelRow>(RUNS).all();
    return rows.map((row) => {
      const { number, id, name, state, colour, parameters } = row;
      return {
        ...{ number, id, name, state, colour, parameters, createdAt: row.created_at },
        config: configOf(row, database.path),
        result: resultOf(row, database.path),
        checkpoints: checkpoints.get(number) ?? [],
      };
    });
  });
}
