/** @file Node. A run of another studio: stored whole, with a new id, in one transaction with the move of its folder. */
import type {
  CheckpointRecord,
  EvaluationRecord,
  MetricPoint,
  PredictionBlock,
  RunRecord,
} from '../../shared/runs.ts';
import { addTag } from './annotations.ts';
import { insertCheckpoint } from './checkpoints.ts';
import type { StudioDatabase } from './connection.ts';
import { write } from './connection.ts';
import { insertEvaluation } from './evaluations.ts';
import { experimentKey } from './experiments.ts';
import { requireLabel } from './label.ts';
import { insertMetrics } from './metrics.ts';
import { insertPredictions } from './predictions.ts';
import { nextRunId } from './runId.ts';
import { replicateHash, storedConfig, storedResult } from './runRecord.ts';

export interface RunToImport {
  readonly run: Omit<RunRecord, 'archived' | 'progress' | 'error'>;
  readonly points: Iterable<readonly MetricPoint[]>;
  readonly evaluations: readonly EvaluationRecord[];
  readonly predictions: readonly PredictionBlock[];
  readonly checkpoint: CheckpointRecord;
}

/**
 * Stores the run and returns its id here. `moveFolder` is called with it before anything is committed: what it throws
 * leaves nothing behind.
 */
export function importRun(
  database: StudioDatabase,
  { run, points, evaluations, predictions, checkpoint }: RunToImport,
  moveFolder: (id: string) => void,
): string {
  const { text, hash } = storedConfig(run.config);
  const result = run.result === null ? null : storedResult(run.result);
  const name = run.name === null ? null : requireLabel(run.name, 'The name of a run');
  return write(database, () => {
    const { connection } = database;
    const previous = connection.prepare<[], string>('SELECT max(id) FROM runs').pluck().get() ?? null;
    const id = nextRunId(previous, Date.now());
    const { lastInsertRowid } = connection
      .prepare(
        `INSERT INTO runs (id, experiment, name, notes, state, config, config_hash, replicate_hash, environment, engine,
           steps_per_epoch, total_steps, parameters, truncated_pairs, created_at, started_at, finished_at, result, result_crc)
         VALUES (:id, :experiment, :name, :notes, :state, :config, :hash, :replicate, :environment, :engine,
           :stepsPerEpoch, :totalSteps, :parameters, :truncatedPairs, :createdAt, :startedAt, :finishedAt, :result, :crc)`,
      )
      .run({
        ...{ id, name, notes: run.notes, state: run.state, config: text, hash },
        experiment: run.experiment === null ? null : experimentKey(database, run.experiment),
        replicate: replicateHash(run.config),
        environment: JSON.stringify(run.environment),
        engine: run.engine === null ? null : JSON.stringify(run.engine),
        stepsPerEpoch: run.plan?.stepsPerEpoch ?? null,
        totalSteps: run.plan?.totalSteps ?? null,
        parameters: run.plan?.parameters ?? null,
        truncatedPairs: run.plan?.truncatedPairs ?? null,
        ...{ createdAt: run.createdAt, startedAt: run.startedAt, finishedAt: run.finishedAt },
        ...{ result: result?.text ?? null, crc: result?.crc ?? null },
      });
    const key = Number(lastInsertRowid);
    for (const tag of run.tags) addTag(database, id, tag);
    for (const some of points) insertMetrics(connection, key, some);
    for (const evaluation of evaluations) insertEvaluation(connection, key, evaluation);
    for (const block of predictions) insertPredictions(connection, key, block);
    insertCheckpoint(connection, key, checkpoint);
    moveFolder(id);
    return id;
  });
}
