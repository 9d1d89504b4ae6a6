/** @file Tests. Runs, reports and measurements that look like real ones. */
import type { Split } from '../../shared/datasets.ts';
import type { EngineRecord } from '../../shared/engines.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type {
  CheckpointRecord,
  Environment,
  EvaluationRecord,
  MetricName,
  MetricPoint,
  PredictionBlock,
  RunConfig,
  RunResult,
  WorkerReport,
} from '../../shared/runs.ts';

export const sampleEnvironment: Environment = {
  entail: '0.1.0',
  node: 'v24.0.0',
  platform: 'linux-x64',
  cpu: 'a processor',
  cores: 2,
  memoryBytes: 8e9,
  gitCommit: null,
};

export const sampleEngine: EngineRecord = {
  engine: 'wasm',
  versions: { tfjs: '4.22.0' },
  device: 'cpu',
  threads: 2,
  deterministic: true,
  pinned: { threads: '2' },
};

export const sampleResult: RunResult = {
  trainLoss: 0.519,
  trainAccuracy: 0.791,
  testAccuracy: 0.784,
  devAccuracy: null,
  pairsPerSecond: 1234.5,
  epochs: 5,
  steps: 215,
  selectedOnTest: false,
};

/** A configuration with some hyperparameters changed. */
export function sampleConfig(changes: Readonly<Record<string, unknown>> = {}): RunConfig {
  const hyperparameters = hyperparametersSchema.parse(changes);
  return {
    dataset: { id: 1, name: 'snli', contentHash: 'abc', labels: ['entailment', 'contradiction', 'neutral'] },
    hyperparameters,
    model: {
      variant: 'book',
      vocabularySize: 7184,
      layers: 2,
      hidden: 256,
      heads: 4,
      feedForward: 512,
      maxPositions: 1000,
      classes: 3,
      activation: 'relu',
      layerNormEps: 1e-5,
      embeddingNorm: false,
      segments: 2,
      headActivation: 'tanh',
      headDropout: false,
      dropout: hyperparameters.dropout,
    },
    vocabularyHash: 'def',
    engine: null,
    startFrom: null,
  };
}

/** A point at `step` whose value can be told from every other point's. */
export function samplePoint(metric: MetricName, step: number, value = Math.sin(step) / 3): MetricPoint {
  return { metric, step, epoch: step / 43, atMs: 1_780_000_000_000 + 250 * step, value };
}

/** Points at steps `from` to `to`, both included. */
export function samplePoints(metric: MetricName, from: number, to: number): MetricPoint[] {
  return Array.from({ length: to - from + 1 }, (_, at) => samplePoint(metric, from + at));
}

export function startedReport(resumedAtStep = 0): Extract<WorkerReport, { kind: 'started' }> {
  return {
    kind: 'started',
    engine: sampleEngine,
    stepsPerEpoch: 43,
    totalSteps: 215,
    resumedAtStep,
    truncatedPairs: 7,
    parameters: 5_000_000,
  };
}

export function sampleEvaluation(split: Split, step: number): EvaluationRecord {
  const perClass = ['entailment', 'contradiction', 'neutral'].map((label) => ({
    label,
    precision: 0.5,
    recall: 0.25,
    f1: 1 / 3,
    support: 4,
  }));
  return {
    split,
    step,
    epoch: step / 43,
    loss: 0.9 + step / 1000,
    accuracy: 0.5,
    macroF1: 1 / 3,
    perClass,
    confusion: [
      [2, 1, 1],
      [0, 3, 1],
      [1, 1, 2],
    ],
    pairs: 12,
    pairsPerSecond: 4000.25,
  };
}

export function samplePredictions(split: Split, step: number): PredictionBlock {
  return {
    split,
    step,
    classes: 3,
    probabilities: Float32Array.from({ length: 36 }, (_, at) => Math.fround((at + step) / 1000)),
  };
}

export function sampleCheckpoint(step: number, kind: 'last' | 'best' = 'last'): CheckpointRecord {
  return {
    step,
    epoch: step / 43,
    folder: `ckpt-${step}`,
    sizeBytes: 1000 + step,
    kind,
    manifestSha256: 'f'.repeat(64),
  };
}
