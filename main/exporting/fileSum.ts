/** @file Runs in the exporting child. The SHA-256 of a file, read once from beginning to end. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readError } from '../files/fileErrors.ts';

/** Hexadecimal. @throws StudioError NOT_FOUND, UNREADABLE. */
export async function fileSum(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (thrown) {
    throw readError(thrown, path);
  }
  return hash.digest('hex');
}
