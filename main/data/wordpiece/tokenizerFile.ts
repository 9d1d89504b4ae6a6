/** @file Node. Reads one of a tokenizer's small text files, of whose content nothing is known yet. */
import { readFileSync } from 'node:fs';
import { StudioError } from '../../../shared/errors.ts';
import { formatBytes } from '../../files/disk.ts';
import { readError } from '../../files/fileErrors.ts';
import { openRegularFile } from '../../files/regularFile.ts';

const GIT_LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/**
 * The text of a file, without a byte-order mark.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for a file that is larger than `maxBytes` (it is not read then)
 * or not UTF-8.
 */
export function readTokenizerFile(path: string, maxBytes: number): string {
  const { sizeBytes } = openRegularFile(path, { content: 'any' });
  if (sizeBytes > maxBytes) {
    const limit = `more than the ${formatBytes(maxBytes)} that such a file may have`;
    throw badTokenizerFile(path, `it has ${formatBytes(sizeBytes)}, ${limit}`);
  }
  const text = decodeText(readBytes(path), path);
  if (!text.startsWith(GIT_LFS_POINTER)) return text;
  throw badTokenizerFile(path, 'it is a Git LFS pointer: a note where the file is, not the file', {
    nextStep: 'Fetch the file itself: git lfs pull, or download it again.',
  });
}

/** What JSON text says, without any promise of its form. @throws StudioError BAD_FILE. */
export function parseTokenizerJsonText(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badTokenizerFile(path, `it is not JSON: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
}

/** @param why the end of the sentence "PATH cannot be used: …". */
export function badTokenizerFile(
  path: string,
  why: string,
  options: { readonly nextStep?: string; readonly cause?: unknown } = {},
): StudioError {
  return new StudioError('BAD_FILE', `${path} cannot be used: ${why}.`, {
    nextStep:
      options.nextStep ?? "Take the tokenizer's files of a BERT model, as its authors published them.",
    place: { file: path },
    cause: options.cause,
  });
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

function decodeText(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badTokenizerFile(path, 'it is not UTF-8 text', { cause });
  }
}
