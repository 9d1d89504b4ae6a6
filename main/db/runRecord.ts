/** @file Node. A run as the rest of the studio sees it, and how it is read from its row. */
import { createHash } from 'node:crypto';
import type { EngineRecord } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type {
  Environment,
  RunConfig,
  RunPlan,
  RunProgress,
  RunRecord,
  RunResult,
  RunState,
} from '../../shared/runs.ts';
import { completeConfig } from './olderConfig.ts';
import { rowChecksum } from './rowChecksum.ts';
import { altered } from './sqliteErrors.ts';

/** A row of SELECT_RUNS. */
export interface RunRow {
  readonly number: number;
  readonly id: string;
  readonly experiment: string | null;
  readonly name: string | null;
  readonly notes: string;
  readonly tags: string;
  readonly archived: number;
  readonly state: RunState;
  readonly config: string;
  readonly config_hash: string;
  readonly environment: string;
  readonly engine: string | null;
  readonly steps_per_epoch: number | null;
  readonly total_steps: number | null;
  readonly parameters: number | null;
  readonly truncated_pairs: number | null;
  readonly progress: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly result: string | null;
  readonly result_crc: number | null;
  readonly error: string | null;
}

/** Add WHERE and ORDER BY. */
export const SELECT_RUNS = `
  SELECT number, runs.id, experiments.name AS experiment, runs.name, notes, archived, state, config, config_hash,
    environment, engine, steps_per_epoch, total_steps, parameters, truncated_pairs, progress, runs.created_at,
    started_at, finished_at, result, result_crc, error,
    (SELECT json_group_array(tag ORDER BY tag) FROM run_tags WHERE run = runs.number) AS tags
  FROM runs LEFT JOIN experiments ON experiments.id = runs.experiment`;

/** Reads a row. Throws DATABASE_CORRUPT, naming `path`, when the configuration or result is not what was written. */
export function runRecord(row: RunRow, path: string): RunRecord {
  const json = <T>(text: string | null): T => {
    try {
      return (text === null ? null : JSON.parse(text)) as T;
    } catch {
      throw altered(path, `run ${row.id}`);
    }
  };
  return {
    id: row.id,
    experiment: row.experiment,
    name: row.name,
    notes: row.notes,
    tags: json<string[]>(row.tags),
    archived: row.archived === 1,
    state: row.state,
    config: configOf(row, path),
    configHash: row.config_hash,
    environment: json<Environment>(row.environment),
    engine: json<EngineRecord | null>(row.engine),
    plan: planOf(row),
    progress: json<RunProgress | null>(row.progress),
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    result: resultOf(row, path),
    error: json<ErrorData | null>(row.error),
  };
}

/** A configuration as it is stored: text with sorted keys, and its SHA-256. Equal settings give equal text. */
export function storedConfig(config: RunConfig): { readonly text: string; readonly hash: string } {
  const text = JSON.stringify(sorted(config));
  return { text, hash: sha256(text) };
}

/** SHA-256 of a configuration without its seed: equal for runs that repeat each other. */
export function replicateHash(config: RunConfig): string {
  const { seed: _, ...hyperparameters } = config.hyperparameters;
  return sha256(JSON.stringify(sorted({ ...config, hyperparameters })));
}

/** A result as it is stored: text and checksum. */
export function storedResult(result: RunResult): { readonly text: string; readonly crc: number } {
  const text = JSON.stringify(result);
  return { text, crc: rowChecksum([], [text]) };
}

/** Throws DATABASE_CORRUPT when it is not what was written. For files of db/. */
export function configOf(row: Pick<RunRow, 'id' | 'config' | 'config_hash'>, path: string): RunConfig {
  if (sha256(row.config) !== row.config_hash) throw altered(path, `run ${row.id}`);
  return completeConfig(JSON.parse(row.config) as RunConfig);
}

/** As `configOf`. */
export function resultOf(row: Pick<RunRow, 'id' | 'result' | 'result_crc'>, path: string): RunResult | null {
  if (row.result === null) return null;
  if (rowChecksum([], [row.result]) !== row.result_crc) throw altered(path, `run ${row.id}`);
  return JSON.parse(row.result) as RunResult;
}

function planOf(row: RunRow): RunPlan | null {
  if (row.total_steps === null) return null;
  return {
    stepsPerEpoch: row.steps_per_epoch!,
    totalSteps: row.total_steps,
    parameters: row.parameters!,
    truncatedPairs: row.truncated_pairs!,
  };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
