/** @file Runs anywhere. Contract: the studio itself, its settings, files on its machine, uploads. */
import { z } from 'zod';
import { engineName, noInput, path, runId } from './inputs.ts';
import { answers } from './route.ts';

export interface AppInfo {
  readonly version: string;
  readonly dataDirectory: string;
  /** Where it opens next time; `settledBy` says what has named it (then nothing can be chosen), null that nothing has. */
  readonly nextDataDirectory: { readonly path: string; readonly settledBy: string | null };
  readonly platform: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Routes that only one host can answer; pages ask here and never which host it is. */
  readonly capabilities: {
    /** A native dialog chooses files; elsewhere the page browses with `files/list` or uploads. */
    readonly openDialog: boolean;
    readonly showInFolder: boolean;
    readonly systemNotifications: boolean;
  };
  /** Sentences that a person should read once, such as that a damaged file was set aside. */
  readonly notices: readonly string[];
  /** True until somebody has made a data set or a run. */
  readonly empty: boolean;
}

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** Threads of new runs; null is one a processor. */
  threads: z.number().int().min(1).max(1024).nullable().default(null),
  /** Engine of new runs; null is the best that works. */
  engine: engineName.nullable().default(null),
  notifyWhenDone: z.boolean().default(true),
  /** Gets a POST when a run is done or has failed; null is off. Nothing else ever leaves the machine. */
  webhookUrl: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .nullable()
    .default(null),
});
export type Settings = z.infer<typeof settingsSchema>;
/** Only what changes; a missing key stays as it is (no defaults here). */
const settingsChange = z.strictObject({
  theme: settingsSchema.shape.theme.removeDefault().optional(),
  threads: settingsSchema.shape.threads.removeDefault().optional(),
  engine: settingsSchema.shape.engine.removeDefault().optional(),
  notifyWhenDone: settingsSchema.shape.notifyWhenDone.removeDefault().optional(),
  webhookUrl: settingsSchema.shape.webhookUrl.removeDefault().optional(),
});

export interface FolderEntry {
  readonly name: string;
  readonly path: string;
  readonly kind: 'folder' | 'file';
  readonly sizeBytes: number | null;
}

export interface FolderListing {
  readonly path: string;
  readonly parent: string | null;
  readonly entries: readonly FolderEntry[];
  /** True when there were more than are listed. */
  readonly cut: boolean;
}

/** Bytes of one piece of an upload, before base64. */
export const UPLOAD_PIECE_BYTES = 512 * 1024;

export const appRoutes = {
  'app/info': answers<AppInfo>()(noInput),
  'app/settings': answers<Settings>()(noInput),
  'app/changeSettings': answers<Settings>()(settingsChange),
  /** From the next start on; null is the usual place. Nothing is moved. @throws USAGE, WRITE_FAILED. */
  'app/chooseDataDirectory': answers<AppInfo['nextDataDirectory']>()(
    z.strictObject({ path: path.nullable() }),
  ),
  /** Desktop only, else NOT_AVAILABLE. Null when the person cancelled. */
  'app/chooseFile': answers<{ readonly path: string | null }>()(
    z.strictObject({ purpose: z.enum(['dataset', 'folder', 'vocabulary']) }),
  ),
  /** Desktop only, else NOT_AVAILABLE. */
  'app/showRunFolder': answers<null>()(z.strictObject({ run: runId })),
  /** A folder of the studio's machine; null is the home folder. Hidden files are left out. */
  'files/list': answers<FolderListing>()(z.strictObject({ path: path.nullable() })),
  /** A dropped file on its way to the studio's machine, piece by piece, on any host. */
  'uploads/begin': answers<{ readonly id: string }>()(
    z.strictObject({
      name: z.string().min(1).max(255),
      sizeBytes: z
        .number()
        .int()
        .min(0)
        .max(8 * 2 ** 30),
    }),
  ),
  /** Pieces come in order; `offset` must be what has arrived so far. */
  'uploads/piece': answers<{ readonly receivedBytes: number }>()(
    z.strictObject({
      id: z.string().min(1).max(100),
      offset: z.number().int().min(0),
      base64: z.string().max(Math.ceil(UPLOAD_PIECE_BYTES / 3) * 4),
    }),
  ),
  /** The finished file's path, for `datasets/preview` and `datasets/import`; kept until the studio ends. */
  'uploads/finish': answers<{ readonly path: string }>()(z.strictObject({ id: z.string().min(1).max(100) })),
  'uploads/cancel': answers<null>()(z.strictObject({ id: z.string().min(1).max(100) })),
};
