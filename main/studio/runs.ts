/** @file Runs under Node. Stored runs: list, show, compare, delete. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunComparison } from '../../shared/comparison.ts';
import type { Split } from '../../shared/datasets.ts';
import type { RunSize } from '../../shared/runSize.ts';
import type {
  CheckpointRecord,
  EvaluationRecord,
  LogLine,
  LostPart,
  PredictionBlock,
  RunRecord,
} from '../../shared/runs.ts';
import { compareStoredRuns } from '../db/compare.ts';
import type { StudioDatabase } from '../db/connection.ts';
import { deleteRun, runSize } from '../db/deleteRun.ts';
import { listEvaluations } from '../db/evaluations.ts';
import { listLogs } from '../db/logs.ts';
import { predictions } from '../db/predictions.ts';
import { microBatchWishOf } from '../db/queue.ts';
import { requestOfRun } from '../db/runRequests.ts';
import { findRun, listRuns, type RunFilter } from '../db/runs.ts';
import type { Databases } from './databases.ts';
import { keptCheckpoints } from './lostFolder.ts';

/** Everything about a run but its curves. */
export interface RunDetails extends RunRecord {
  readonly folder: string;
  readonly evaluations: readonly EvaluationRecord[];
  /** Those whose folders are there, newest first. */
  readonly checkpoints: readonly CheckpointRecord[];
  readonly lost: LostPart | null;
  readonly log: readonly LogLine[];
  /** Tokens at once that it was resumed with, in place of those of its configuration; 0: as many as Entail chooses. */
  readonly microBatchTokens: number | null;
}

export class RunService {
  readonly #databases: Databases;

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  get #store(): StudioDatabase {
    return this.#databases.store();
  }

  /** Newest first. */
  list(filter: RunFilter = {}): RunRecord[] {
    return listRuns(this.#store, filter);
  }

  /** By id or the unique beginning of one. @throws StudioError NOT_FOUND, USAGE when several begin so. */
  find(idOrPrefix: string): RunRecord {
    return findRun(this.#store, idOrPrefix);
  }

  show(idOrPrefix: string): RunDetails {
    const details = this.details(idOrPrefix);
    return { ...details, log: listLogs(this.#store, details.id) };
  }

  /** The same without the log, which may be long. */
  details(idOrPrefix: string): Omit<RunDetails, 'log'> {
    const run = this.find(idOrPrefix);
    return {
      ...run,
      folder: this.folder(run.id),
      evaluations: listEvaluations(this.#store, run.id),
      ...keptCheckpoints(this.#databases, run.id),
      microBatchTokens: microBatchWishOf(this.#store, run.id),
    };
  }

  predictions(runId: string, split: Split): PredictionBlock | null {
    return predictions(this.#store, runId, split);
  }

  compare(ids: readonly string[]): RunComparison {
    return compareStoredRuns(this.#store, ids);
  }

  /** Asks the process that has paused a run to go on with it. @throws StudioError NOT_FOUND. */
  continue(runId: string): void {
    requestOfRun(this.#store, runId, 'continue');
  }

  size(runId: string): RunSize {
    return runSize(this.#store, runId);
  }

  folder(runId: string): string {
    return join(this.#databases.places.runs, runId);
  }

  /** The row goes first: a folder without a row is rubbish, a row without a folder would be a lie. */
  delete(runId: string): void {
    deleteRun(this.#store, runId);
    rmSync(this.folder(runId), { recursive: true, force: true, maxRetries: 5 });
  }
}
