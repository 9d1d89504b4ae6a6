/** @file Node. What a caller of `downloadFile` can ask for. */
import type { StudioError } from '../../shared/errors.ts';
import type { HttpTimeouts } from './httpGet.ts';

export interface DownloadProgress {
  /** What an earlier attempt had fetched counts as received. */
  readonly receivedBytes: number;
  readonly totalBytes: number | null;
  /** Over the last few seconds. */
  readonly bytesPerSecond: number;
}

export interface DownloadLimits extends HttpTimeouts {
  /** Attempts in a row that bring nothing. */
  readonly fruitlessAttempts: number;
  /** Attempts altogether. */
  readonly attempts: number;
  /** Pause after the first failure; it doubles up to 30 times that. */
  readonly firstPauseMs: number;
  readonly progressEveryMs: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  connectMs: 15_000,
  headersMs: 30_000,
  stallMs: 30_000,
  fruitlessAttempts: 6,
  attempts: 50,
  firstPauseMs: 500,
  progressEveryMs: 100,
};

/** What a status means to whoever knows the server (with its X-Error-Code, or null); null: no more than it says. */
export type ExplainRefusal = (status: number, errorCode: string | null) => StudioError | null;

export interface DownloadRequest {
  /** http or https. */
  readonly url: string;
  /** Where the file goes; its folder is made. The unfinished file is `to` + ".part". */
  readonly to: string;
  /** Hexadecimal. Without a sum nothing but the size guards against wrong bytes. */
  readonly sha1?: string;
  readonly sha256?: string;
  /** Git's name for the content: the SHA-1 of "blob", its size and its bytes. */
  readonly gitSha1?: string;
  readonly expectedBytes?: number;
  /** A larger file is refused; `expectedBytes` if that is given, else 8 GB. */
  readonly maxBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly explainRefusal?: ExplainRefusal;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly limits?: Partial<DownloadLimits>;
}
