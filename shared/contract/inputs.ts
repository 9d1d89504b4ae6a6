/** @file Runs anywhere. Schemas that many routes share: every text has a length, every list an end. */
import { z } from 'zod';
import { SPLITS } from '../datasets.ts';
import { devicesWishSchema, ONE_DEVICE } from '../devices.ts';
import { ENGINE_NAMES } from '../engines.ts';
import { hyperparametersSchema } from '../hyperparameters.ts';
import { RUN_KINDS } from '../runs.ts';

export const noInput = z.strictObject({});
export const runId = z.string().min(1).max(40);
/** A run's id, or an imported model's name: names are never like ids. */
export const modelReference = z.string().min(1).max(100);
export const datasetName = z.string().min(1).max(200);
export const label = z.string().min(1).max(200);
export const path = z.string().min(1).max(4096);
export const sentence = z.string().max(20_000);
export const split = z.enum(SPLITS);
export const engineName = z.enum(ENGINE_NAMES);

/** One page of a long list. */
export const page = {
  from: z.number().int().min(0).max(100_000_000),
  count: z.number().int().min(1).max(1000),
};

/** What a new run is made from; the main process adds vocabulary, shape and hashes. */
export const runRequestSchema = z.strictObject({
  kind: z.enum(RUN_KINDS).default('fine-tuning'),
  /** Name of a data set, or of a text to pretrain on. */
  dataset: datasetName,
  hyperparameters: hyperparametersSchema,
  /** Null means the best that works. */
  engine: engineName.nullable().default(null),
  /** Null means one a processor. */
  threads: z.number().int().min(1).max(1024).nullable().default(null),
  devices: devicesWishSchema.default(ONE_DEVICE),
  name: label.nullable().default(null),
  experiment: label.nullable().default(null),
  tags: z.array(label).max(50).default([]),
  /** An imported model, or a run, whose weights and tokenizer to start from; null starts from random weights. */
  startFrom: modelReference.nullable().default(null),
  /**
   * On the studio's machine: vocab.json, or WordPiece's vocab.txt, tokenizer.json or folder. Null takes the words of the
   * training split; a run that starts from a model has its vocabulary, and takes no other.
   */
  vocabularyPath: path.nullable().default(null),
});
export type RunRequest = z.infer<typeof runRequestSchema>;
