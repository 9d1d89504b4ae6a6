/** @file Runs anywhere. Contract: data sets: preview, import, download, browse, delete. */
import { z } from 'zod';
import type { ColumnMapping, Dataset, Example } from '../datasets.ts';
import { datasetName, noInput, page, path, split } from './inputs.ts';
import { answers } from './route.ts';

export interface DatasetEntry extends Dataset {
  readonly exampleBytes: number;
  readonly tokenCacheBytes: number;
  /** Runs trained on it, newest first. */
  readonly usedBy: readonly string[];
}

/** What the first rows of a file look like, before anything is imported. */
export interface ImportPreview {
  readonly path: string;
  readonly format: ColumnMapping['format'];
  /** Column names in the order of the file. */
  readonly columns: readonly string[];
  /** The first rows as they stand in the file; a cell a column. */
  readonly rows: readonly (readonly string[])[];
  /** What was guessed, or what was asked for. */
  readonly mapping: ColumnMapping;
  readonly guessed: boolean;
  /** The first pairs as they would be read. */
  readonly pairs: readonly {
    readonly premise: string;
    readonly hypothesis: string | null;
    readonly label: string;
  }[];
  /** Labels in the first rows, as the data set would name them. */
  readonly labels: readonly string[];
  /** False for a long file: an import may find more of them further down. */
  readonly labelsComplete: boolean;
  /** What would be rejected among the first rows, by reason. */
  readonly rejected: readonly { readonly reason: string; readonly line: number }[];
  readonly suggestedName: string;
}

const FORMATS = ['snli-txt', 'snli-jsonl', 'csv', 'tsv', 'jsonl', 'parquet'] as const;
const mapping = z.strictObject({
  premise: z.string().max(500).optional(),
  hypothesis: z.string().max(500).nullable().optional(),
  label: z.string().max(500).optional(),
  split: z.string().max(500).nullable().optional(),
  labels: z.record(z.string().max(500), z.string().max(200)).optional(),
  tokenised: z.boolean().optional(),
});
const source = { path, format: z.enum(FORMATS).optional(), mapping: mapping.optional() };

export const datasetRoutes = {
  'datasets/list': answers<readonly DatasetEntry[]>()(noInput),
  'datasets/show': answers<DatasetEntry>()(z.strictObject({ name: datasetName })),
  /** `text` stands in either sentence; `label` is an index into the data set's labels. */
  'datasets/rows': answers<{ readonly total: number; readonly rows: readonly Example[] }>()(
    z.strictObject({
      name: datasetName,
      split,
      text: z.string().max(500).default(''),
      label: z.number().int().min(0).nullable().default(null),
      ...page,
    }),
  ),
  'datasets/preview': answers<ImportPreview>()(z.strictObject(source)),
  'datasets/import': answers<{ readonly job: string }>()(
    z.strictObject({
      ...source,
      name: datasetName,
      splitSeed: z
        .number()
        .int()
        .min(0)
        .max(2 ** 32 - 1)
        .default(0),
    }),
  ),
  /** The built-in sample, under the name "sample". */
  'datasets/importSample': answers<{ readonly job: string }>()(noInput),
  /** Leaves the machine, because a person asked for it. */
  'datasets/download': answers<{ readonly job: string }>()(z.strictObject({ which: z.enum(['snli']) })),
  /**
   * Leaves the machine: the Parquet files of a hub's data set, hf:OWNER/NAME[@REVISION]. `config` is a part of it where it
   * has several, `splits` are named as there; without them all that are for training, development or testing are taken.
   */
  'datasets/downloadHub': answers<{ readonly job: string }>()(
    z.strictObject({
      reference: z.string().min(1).max(400),
      name: datasetName,
      config: z.string().min(1).max(200).optional(),
      splits: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
    }),
  ),
  /** Cannot be undone: the page asks for the name first. Refused (LOCKED) while a run trains on it. */
  'datasets/delete': answers<null>()(z.strictObject({ name: datasetName })),
};
