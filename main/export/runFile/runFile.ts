/**
 * @file Runs anywhere. What is in a run file (see docs/file-formats.md): the parts, and how entail-run.json is read, which
 * may come from anywhere.
 */
import { z } from 'zod';
import { SPLITS } from '../../../shared/datasets.ts';
import { ENGINE_NAMES } from '../../../shared/engines.ts';
import { StudioError } from '../../../shared/errors.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import type {
  CheckpointRecord,
  EvaluationRecord,
  PredictionBlock,
  RunConfig,
  RunRecord,
} from '../../../shared/runs.ts';
import type { MetricCurve } from '../metrics/curves.ts';

const FORMAT = 'entail-run';
export const RUN_FILE_VERSION = 1;
/** Entries of the archive. */
export const ENTRIES = {
  description: 'entail-run.json',
  metrics: 'metrics.json',
  evaluations: 'evaluations.json',
  predictions: (split: string) => `predictions/${split}.f32`,
  /** Files of the run's own folder, such as its vocabulary. */
  folder: 'run/',
  checkpoint: 'checkpoint/',
} as const;

/** A run without its measurements and without what belongs to one studio only. */
export type PortableRun = Omit<RunRecord, 'archived' | 'progress' | 'error'>;

/** Everything that a run file holds; the files lie in a folder. */
export interface RunFileParts {
  readonly run: PortableRun;
  readonly curves: readonly MetricCurve[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly predictions: readonly PredictionBlock[];
  readonly checkpoint: CheckpointRecord;
  /** The run's folder, with its own files and `checkpoints/<folder>/`. */
  readonly runDirectory: string;
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(2000);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime();
const split = z.enum(SPLITS);

/** Sizes are checked with the network; what a newer studio knows besides stays. */
const modelSchema = z.looseObject({
  variant: z.enum(['book', 'huggingface']),
  vocabularySize: count,
  layers: count.max(1000),
  hidden: count,
  heads: count,
  feedForward: count,
  maxPositions: count,
  classes: count,
  activation: z.enum(['relu', 'gelu', 'gelu_tanh']),
  layerNormEps: z.number().positive(),
  embeddingNorm: z.boolean(),
  dropout: z.number().min(0).lt(1),
});

const configSchema = z.looseObject({
  dataset: z.looseObject({
    id: z.number().int(),
    name: text,
    contentHash: text,
    labels: z.array(text).min(1).max(100),
    sentencesPerExample: z.union([z.literal(1), z.literal(2)]).optional(),
  }),
  // Not strict: a run of an older studio lacks fields, and keeps lacking them, so that its hash stays what it is.
  hyperparameters: z.looseObject({ seed: count, maxLen: hyperparametersSchema.shape.maxLen.removeDefault() }),
  model: modelSchema,
  vocabularyHash: text,
  engine: z.enum(ENGINE_NAMES).nullable(),
  startFrom: text.nullable(),
});

const runSchema = z.strictObject({
  id: z.string().regex(/^r[0-9a-z]{1,20}$/),
  experiment: text.nullable(),
  name: text.nullable(),
  notes: z.string().max(100_000),
  tags: z.array(text).max(200),
  state: z.enum(['completed', 'stopped', 'failed', 'interrupted']),
  config: configSchema,
  configHash: sha256,
  environment: z.looseObject({ entail: text, node: text, platform: text, cpu: text, cores: count }),
  engine: z.looseObject({ engine: z.enum(ENGINE_NAMES), device: text, threads: count }).nullable(),
  plan: z
    .strictObject({ stepsPerEpoch: count, totalSteps: count, parameters: count, truncatedPairs: count })
    .nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  result: z
    .strictObject({
      trainLoss: z.number().nullable(),
      trainAccuracy: z.number().nullable(),
      testAccuracy: z.number().nullable(),
      devAccuracy: z.number().nullable(),
      pairsPerSecond: z.number().nullable(),
      epochs: z.number(),
      steps: count,
      selectedOnTest: z.boolean(),
    })
    .nullable(),
});

const descriptionSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(RUN_FILE_VERSION),
  run: runSchema,
  checkpoint: z.strictObject({
    step: count,
    epoch: z.number().min(0),
    folder: z.string().regex(/^step-\d{8,12}(-best)?$/),
    sizeBytes: count,
    kind: z.enum(['last', 'best']),
    manifestSha256: sha256,
  }),
  predictions: z
    .array(z.strictObject({ split, step: count, classes: count.min(1).max(100), pairs: count }))
    .max(3),
  files: z.array(z.strictObject({ name: z.string().min(1).max(300), sizeBytes: count, sha256 })).max(200),
});

export interface RunFileDescription {
  readonly format: typeof FORMAT;
  readonly version: typeof RUN_FILE_VERSION;
  readonly run: PortableRun;
  readonly checkpoint: CheckpointRecord;
  readonly predictions: readonly (Omit<PredictionBlock, 'probabilities'> & { readonly pairs: number })[];
  /** Every other entry of the archive. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
}

export function describeRunFile(
  { run, checkpoint, predictions }: RunFileParts,
  files: RunFileDescription['files'],
): RunFileDescription {
  return {
    format: FORMAT,
    version: RUN_FILE_VERSION,
    run,
    checkpoint,
    predictions: predictions.map(({ probabilities, ...block }) => ({
      ...block,
      pairs: probabilities.length / block.classes,
    })),
    files,
  };
}

/** @throws StudioError BAD_FILE naming what is wrong; UNREADABLE for a newer version. */
export function parseDescription(json: string, path: string): RunFileDescription {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badRunFile(path, `its ${ENTRIES.description} is not JSON`);
  }
  const version = z.object({ format: z.literal(FORMAT), version: z.number() }).safeParse(value).data?.version;
  if (version !== undefined && version > RUN_FILE_VERSION) {
    throw new StudioError(
      'UNREADABLE',
      `${path} was written by a newer Entail (run file version ${version}, this one knows ${RUN_FILE_VERSION}).`,
      { nextStep: 'Update Entail.', place: { file: path } },
    );
  }
  const { data, error } = descriptionSchema.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    const where = issue?.path.length === 0 ? '' : ` at ${issue?.path.join('.').slice(0, 80)}`;
    throw badRunFile(
      path,
      `its ${ENTRIES.description} is no description of a run${where}: ${issue?.message}`,
    );
  }
  // Checked above as far as anything here relies on it; the rest is a record for people.
  return data as unknown as RunFileDescription & { readonly run: { readonly config: RunConfig } };
}

export function badRunFile(path: string, why: string): StudioError {
  return new StudioError('BAD_FILE', `${path} cannot be imported as a run: ${why}.`, {
    nextStep: 'Export the run again where it was trained: entail export RUN --to run --out FOLDER.',
    place: { file: path },
  });
}
