/** @file Node. Whether a file is the one that was meant: its size and its sums. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { readError } from './fileErrors.ts';

export interface FileExpectation {
  /** Hexadecimal. */
  readonly sha1?: string;
  readonly sha256?: string;
  /** Git's name for the content: the SHA-1 of "blob", its size and its bytes. */
  readonly gitSha1?: string;
  readonly expectedBytes?: number;
}

export function hasSum({ sha1, sha256, gitSha1 }: FileExpectation): boolean {
  return sha1 !== undefined || sha256 !== undefined || gitSha1 !== undefined;
}

const GIT = "git's SHA-1";

/**
 * What is not as expected about a file, as the end of a sentence with both figures; null when nothing is.
 * @throws NOT_FOUND, UNREADABLE; what `signal` was aborted with
 */
export async function wrongness(
  path: string,
  wanted: FileExpectation,
  signal?: AbortSignal,
): Promise<string | null> {
  const sums = [
    { name: 'SHA-1', expected: wanted.sha1, hash: createHash('sha1') },
    { name: 'SHA-256', expected: wanted.sha256, hash: createHash('sha256') },
    { name: GIT, expected: wanted.gitSha1, hash: createHash('sha1') },
  ].filter(({ expected }) => expected !== undefined);
  try {
    const { size } = statSync(path);
    const { expectedBytes = size } = wanted;
    if (size !== expectedBytes) return `it has ${size} bytes, not ${expectedBytes}`;
    if (sums.length === 0) return null;
    sums.find(({ name }) => name === GIT)?.hash.update(`blob ${size}\0`);
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      signal?.throwIfAborted();
      for (const { hash } of sums) hash.update(chunk);
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    throw readError(thrown, path);
  }
  for (const { name, expected, hash } of sums) {
    const actual = hash.digest('hex');
    if (actual !== expected!.toLowerCase()) return `its ${name} is ${actual}, not ${expected}`;
  }
  return null;
}
