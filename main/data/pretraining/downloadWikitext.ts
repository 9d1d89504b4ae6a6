/** @file Node. Fetches WikiText-2 from where the book takes it (book.md 5), and checks it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import { requireFreeBytes } from '../../files/disk.ts';
import { downloadFile } from '../../files/download.ts';

const WIKITEXT_URL = 'https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip';
const WIKITEXT_SHA1 = '3c914d17d80b1459be871a5039ac23e752a53cbe';
const WIKITEXT_FILE = 'wikitext-2-v1.zip';
/** 4.5 MB of zip, and the text in the studio. */
const NEEDED_BYTES = 40_000_000;

export interface WikitextOptions {
  readonly dataDirectory: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { receivedBytes: number; totalBytes: number | null }) => void;
  /** Another address and sum, for a mirror or a test. */
  readonly source?: { readonly url: string; readonly sha1: string };
}

/**
 * Downloads into `<data directory>/downloads`, where an interrupted download goes on and the archive stays.
 * -> its path
 * @throws StudioError OFFLINE (saying how to bring the file), DOWNLOAD_FAILED, CHECKSUM_MISMATCH, CANCELLED, DISK_FULL
 */
export async function downloadWikitext(options: WikitextOptions): Promise<string> {
  const folder = join(options.dataDirectory, 'downloads');
  mkdirSync(folder, { recursive: true });
  requireFreeBytes(folder, NEEDED_BYTES, 'downloading WikiText-2');
  const { url, sha1 } = options.source ?? { url: WIKITEXT_URL, sha1: WIKITEXT_SHA1 };
  const to = join(folder, WIKITEXT_FILE);
  try {
    await downloadFile({
      ...{ url, to, sha1 },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: ({ receivedBytes, totalBytes }) => options.onProgress?.({ receivedBytes, totalBytes }),
    });
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'OFFLINE') throw thrown;
    throw new StudioError('OFFLINE', thrown.message, {
      nextStep:
        `Without a network here: fetch ${url} (SHA-1 ${sha1}) on another machine, copy ${WIKITEXT_FILE} over, and run ` +
        `npx --no entail pretrain --text ${WIKITEXT_FILE}`,
      cause: thrown,
    });
  }
  return to;
}
