/** @file Node. model.json of an imported model's folder: written once, read strictly. */
import { join } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../../shared/errors.ts';
import { type ImportedModel, MODEL_FAMILIES } from '../../../shared/models.ts';
import { readJsonFile } from '../huggingFace/jsonFile.ts';

export const RECORD_FILE = 'model.json';
export const WEIGHTS_FILE = 'weights.safetensors';
const FORMAT = 1;

const whole = z.number().int().min(0);
const modelSchema = z.strictObject({
  variant: z.enum(['book', 'huggingface']),
  vocabularySize: whole,
  layers: whole,
  hidden: whole,
  heads: whole,
  feedForward: whole,
  maxPositions: whole,
  classes: whole,
  activation: z.enum(['relu', 'gelu', 'gelu_tanh']),
  layerNormEps: z.number(),
  embeddingNorm: z.boolean(),
  segments: z.union([z.literal(0), z.literal(2)]),
  headActivation: z.enum(['tanh', 'relu']),
  headDropout: z.boolean(),
  dropout: z.number().min(0).lt(1),
});
const recordSchema = z.strictObject({
  format: z.literal(FORMAT),
  family: z.enum(MODEL_FAMILIES),
  model: modelSchema,
  head: z
    .strictObject({
      labels: z.array(z.string()).nullable(),
      classes: whole,
      sentences: z.union([z.literal(1), z.literal(2)]),
    })
    .nullable(),
  tokenizer: z.strictObject({
    kind: z.enum(['words', 'wordpiece']),
    tokens: whole,
    lowercase: z.boolean(),
  }),
  parameters: whole,
  fresh: z.array(z.string()),
  licence: z.string().nullable(),
  origin: z.strictObject({
    source: z.string(),
    revision: z.string().nullable(),
    files: z.array(z.strictObject({ name: z.string(), sizeBytes: whole, sha256: z.string() })),
    importedAt: z.string(),
  }),
  notes: z.array(z.string()),
});

/** What stands in the file: the name is the folder's, size and sum are its manifest's. */
export type ModelRecord = Omit<ImportedModel, 'name' | 'sizeBytes' | 'manifestSha256'>;

export function recordText(record: ModelRecord): string {
  return `${JSON.stringify({ format: FORMAT, ...record }, null, 2)}\n`;
}

/** @throws StudioError NOT_FOUND, UNREADABLE (also when a newer version wrote it), BAD_FILE. */
export function readRecord(folder: string): ModelRecord {
  const file = join(folder, RECORD_FILE);
  const json = readJsonFile(file);
  const version = z.object({ format: z.number() }).safeParse(json).data?.format ?? FORMAT;
  const place = { file };
  if (version > FORMAT)
    throw new StudioError('UNREADABLE', `${file} was written by a newer version of Entail.`, {
      nextStep: 'Update Entail.',
      place,
    });
  const { success, data, error } = recordSchema.safeParse(json);
  if (!success)
    throw new StudioError('BAD_FILE', `${file} is damaged: ${z.prettifyError(error)}.`, {
      nextStep: 'Delete the model and import it again.',
      place,
    });
  const { format: _, ...record } = data;
  return record;
}
