/** @file Runs anywhere. Contract: a hub of models and data sets. These calls leave the machine, because a person asked for it. */
import { z } from 'zod';
import { label } from './inputs.ts';
import { answers } from './route.ts';

/** What a repository holds as data sets, before anything of it is fetched. */
export interface HubDatasetLook {
  /** "hf:OWNER/NAME@COMMIT" */
  readonly origin: string;
  readonly license: string | null;
  readonly configs: readonly {
    readonly name: string;
    readonly splits: readonly {
      /** As the hub calls it. */
      readonly name: string;
      readonly sizeBytes: number;
      /** Whether it is taken unasked: its name says that it is for training, development or testing. */
      readonly taken: boolean;
    }[];
  }[];
  /** The one to begin with; null where a person has to choose. */
  readonly config: string | null;
  readonly suggestedName: string;
}

/** What a repository holds as a model, before its weights are fetched. */
export interface HubModelLook {
  readonly origin: string;
  readonly licence: string | null;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
  readonly suggestedName: string;
}

/** hf:OWNER/NAME, and perhaps @REVISION. */
const reference = z.string().min(1).max(400);

export const hubRoutes = {
  /** @throws NOT_FOUND, UNAUTHORISED, FORBIDDEN, TOO_MANY_ATTEMPTS, OFFLINE, DOWNLOAD_FAILED; USAGE for what names none */
  'hub/dataset': answers<HubDatasetLook>()(z.strictObject({ reference })),
  /** @throws as `hub/dataset` */
  'hub/model': answers<HubModelLook>()(z.strictObject({ reference })),
  /**
   * `which`: hf:OWNER/NAME[@REVISION], or "bert.small" or "bert.base" of the book. `labels`: what each output of its head
   * means, in the order of the file; null believes the file.
   */
  'hub/downloadModel': answers<{ readonly job: string }>()(
    z.strictObject({
      which: reference,
      name: z.string().min(1).max(500),
      labels: z.array(label).min(2).max(1000).nullable().default(null),
    }),
  ),
};
