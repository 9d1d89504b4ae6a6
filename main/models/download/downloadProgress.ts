/** @file Runs anywhere. How far the download of a model is, and what all downloads of models are told. */
import type { ModelImport } from '../store/importModel.ts';

/** What will be fetched, told before it is. */
export interface ModelDownloadPlan {
  /** "hf:OWNER/NAME@COMMIT", or an address. */
  readonly origin: string;
  /** `sizeBytes` is null until the server has told it. */
  readonly files: readonly { readonly path: string; readonly sizeBytes: number | null }[];
  readonly licence: string | null;
}

export type ModelDownloadProgress =
  | { readonly step: 'plan'; readonly plan: ModelDownloadPlan }
  | { readonly step: 'download'; readonly receivedBytes: number; readonly totalBytes: number | null }
  /** Share done, 0 to 1. */
  | { readonly step: 'import'; readonly fraction: number };

/** Where things go, and what the import has to know besides the files. */
export interface ModelDownload extends Pick<ModelImport, 'name' | 'licence' | 'labels' | 'sentences'> {
  /** The folder of all models. */
  readonly store: string;
  /** Files wait in `downloads` below it: what was interrupted goes on where it stopped. */
  readonly dataDirectory: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ModelDownloadProgress) => void;
}
