/** @file Node. How a run goes on: its state, engine, plan, result or error. Only the process that has the run may. */
import type { EngineRecord } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type { RunPlan, RunProgress, RunResult, RunState } from '../../shared/runs.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { requireLease } from './lease.ts';
import { runKey } from './runKey.ts';
import { storedResult } from './runRecord.ts';

const IN_WORK: ReadonlySet<RunState> = new Set(['preparing', 'running', 'pausing', 'paused', 'stopping']);

/**
 * Sets the state. The first "running" is the start; a state in which nothing goes on any more is the end; a state
 * of work takes end and error of an earlier attempt away.
 * Throws NOT_FOUND, or LOCKED when this process does not have the run (as all functions here).
 */
export function setState(database: StudioDatabase, runId: string, state: RunState): void {
  const now = new Date().toISOString();
  const sql = IN_WORK.has(state)
    ? `UPDATE runs SET state = :state, finished_at = NULL, error = NULL, result = NULL, result_crc = NULL,
         started_at = CASE WHEN :state = 'running' THEN coalesce(started_at, :now) ELSE started_at END WHERE number = :run`
    : 'UPDATE runs SET state = :state, finished_at = :now WHERE number = :run';
  update(database, runId, sql, { state, now });
}

/** Null for a run that is gone. */
export function stateOf(database: StudioReader, runId: string): RunState | null {
  const select = database.connection
    .prepare<[string], RunState>('SELECT state FROM runs WHERE id = ?')
    .pluck();
  return read(database, () => select.get(runId) ?? null);
}

/** Stores which engine runs it: again after each resumption. */
export function setEngine(database: StudioDatabase, runId: string, engine: EngineRecord): void {
  update(database, runId, 'UPDATE runs SET engine = :engine WHERE number = :run', {
    engine: JSON.stringify(engine),
  });
}

/** Stores what the worker found when it started. */
export function setPlan(database: StudioDatabase, runId: string, plan: RunPlan): void {
  const sql = `UPDATE runs SET steps_per_epoch = :stepsPerEpoch, total_steps = :totalSteps, parameters = :parameters,
    truncated_pairs = :truncatedPairs WHERE number = :run`;
  update(database, runId, sql, { ...plan });
}

/** Stores how far it is, for other processes to see. */
export function setProgress(database: StudioDatabase, runId: string, progress: RunProgress): void {
  update(database, runId, 'UPDATE runs SET progress = :progress WHERE number = :run', {
    progress: JSON.stringify(progress),
  });
}

/** The run is completed, with this result. */
export function finishRun(database: StudioDatabase, runId: string, result: RunResult): void {
  endWith(database, runId, 'completed', result);
}

/** The run was stopped; with a result when its figures up to here were to be kept. It can be resumed. */
export function stopRun(database: StudioDatabase, runId: string, result: RunResult | null): void {
  if (result === null) setState(database, runId, 'stopped');
  else endWith(database, runId, 'stopped', result);
}

function endWith(
  database: StudioDatabase,
  runId: string,
  state: 'completed' | 'stopped',
  result: RunResult,
): void {
  const { text, crc } = storedResult(result);
  write(database, () => {
    setState(database, runId, state);
    update(database, runId, 'UPDATE runs SET result = :text, result_crc = :crc WHERE number = :run', {
      text,
      crc,
    });
  });
}

/** The run has failed, for this reason. */
export function failRun(database: StudioDatabase, runId: string, error: ErrorData): void {
  setStateBecause(database, runId, 'failed', error);
}

/** The run was ended before it was done, for this reason. It can be resumed. */
export function interruptRun(database: StudioDatabase, runId: string, error: ErrorData): void {
  setStateBecause(database, runId, 'interrupted', error);
}

/** The run waits; `waitsFor` says what for, when it is not for a person. */
export function pauseRun(database: StudioDatabase, runId: string, waitsFor: ErrorData | null): void {
  if (waitsFor === null) setState(database, runId, 'paused');
  else setStateBecause(database, runId, 'paused', waitsFor);
}

function setStateBecause(database: StudioDatabase, runId: string, state: RunState, error: ErrorData): void {
  write(database, () => {
    setState(database, runId, state);
    update(database, runId, 'UPDATE runs SET error = :error WHERE number = :run', {
      error: JSON.stringify(error),
    });
  });
}

function update(
  database: StudioDatabase,
  runId: string,
  sql: string,
  values: Readonly<Record<string, string | number>>,
): void {
  write(database, () => {
    const run = runKey(database, runId);
    requireLease(database, runId, run);
    database.connection.prepare(sql).run({ ...values, run });
  });
}
