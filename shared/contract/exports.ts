/** @file Runs anywhere. Contract: exports, and run files of other studios. */
import { z } from 'zod';
import { EXPORT_PRECISIONS, type ExportRecord, METRIC_FILE_FORMATS, MODEL_FORMATS } from '../exports.ts';
import { engineName, path, runId } from './inputs.ts';
import { answers } from './route.ts';

const licence = z.string().max(500).nullable().default(null);
const exportId = z.number().int().min(1);
const job = answers<{ readonly job: string }>();

export const exportRoutes = {
  /** Newest first; null is of all runs. */
  'exports/list': answers<readonly ExportRecord[]>()(z.strictObject({ run: runId.nullable().default(null) })),
  /** @throws NOT_FOUND. */
  'exports/show': answers<ExportRecord>()(z.strictObject({ id: exportId })),
  /** Takes it out of the list; the folder stays. @throws NOT_FOUND. */
  'exports/forget': answers<null>()(z.strictObject({ id: exportId })),
  /** Starts a job. @throws at once what can be told at once: NOT_FOUND, USAGE, ALREADY_EXISTS. */
  'exports/start': job(
    z.strictObject({
      run: runId,
      to: z.array(z.enum(MODEL_FORMATS)).min(1).max(MODEL_FORMATS.length),
      precision: z.enum(EXPORT_PRECISIONS).default('fp32'),
      /** On the studio's machine; of several formats each gets a folder in it. */
      folder: path,
      /** Null is the one that the run's figures are of. */
      checkpoint: z
        .union([z.enum(['best', 'last']), z.number().int().min(0)])
        .nullable()
        .default(null),
      licenceData: licence,
      licenceBase: licence,
      engine: engineName.nullable().default(null),
    }),
  ),
  'exports/metrics': job(z.strictObject({ run: runId, format: z.enum(METRIC_FILE_FORMATS), folder: path })),
  /** Desktop only, else NOT_AVAILABLE. */
  'exports/showFolder': answers<null>()(z.strictObject({ id: exportId })),
  /** A run file of another studio. */
  'runs/import': job(z.strictObject({ path })),
};
