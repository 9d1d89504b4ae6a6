/** @file Runs under Node. Stored models at work: evaluating a split, predicting pairs. The model runs in a child process. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset, Split } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { EvaluationRecord } from '../../shared/runs.ts';
import { requireDataset } from '../data/datasets.ts';
import { listCheckpoints } from '../db/checkpoints.ts';
import type { RunRecord } from '../db/runRecord.ts';
import { findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { type SupervisedInference, superviseInference } from '../training/inference.ts';
import type { Databases } from './databases.ts';
import type { EngineService } from './engines.ts';

/** A pair as a person wrote it; the model's tokenizer takes it from there. */
export interface RawPair {
  readonly premise: string;
  readonly hypothesis: string | null;
}

/** A model that is loaded and answers. */
export interface Predictor {
  readonly runId: string;
  readonly labels: readonly string[];
  /** True when the model compares two sentences. */
  readonly pairs: boolean;
  /** Probabilities, row-major [pairs, labels]. */
  predict(pairs: readonly RawPair[]): Promise<Float32Array>;
  /** Ends the child at once; what is asked of it fails. */
  kill(): void;
  close(): Promise<void>;
}

export interface EngineWish {
  readonly engine: EngineName | null;
  readonly threads: number | null;
}

export interface EvaluateRequest extends EngineWish {
  /** Null is the run's own. */
  readonly dataset: string | null;
  readonly split: Split;
  readonly signal: AbortSignal;
  readonly onProgress: (pairs: number, total: number) => void;
}

export interface Evaluated {
  readonly runId: string;
  readonly dataset: Dataset;
  readonly evaluation: EvaluationRecord;
}

export interface InferenceSetting {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly engines: EngineService;
}

/** Placeholder. */
export class InferenceService {
  constructor(_setting: InferenceSetting) {}
  async openPredictor(_run: string, _wish: EngineWish): Promise<Predictor> {
    throw new Error('later');
  }
  async evaluate(_run: string, _request: EvaluateRequest): Promise<Evaluated> {
    throw new Error('later');
  }
}
