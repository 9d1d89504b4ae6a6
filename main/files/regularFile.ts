/** @file Node. Opens files that people name: only regular files, only readable ones, and text only when text is asked for. */
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import type { Readable } from 'node:stream';
import { StudioError } from '../../shared/errors.ts';
import { readError } from './fileErrors.ts';

/** A file that was there, regular and readable when it was looked at. */
export interface RegularFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** The first bytes, at most 4 KiB. */
  readonly head: Buffer;
  /** Reads the whole file from its beginning; may be called more than once. */
  stream(): Readable;
}

const HEAD_BYTES = 4096;
const CHUNK_BYTES = 1 << 18;

/** First bytes of formats that are given for text by mistake, and what to do about it. */
const NOT_TEXT: readonly {
  readonly magic: readonly number[];
  readonly what: string;
  readonly nextStep: string;
}[] = [
  {
    magic: [0x1f, 0x8b],
    what: 'compressed with gzip',
    nextStep: 'Unpack it first, for instance with: gunzip FILE',
  },
  {
    magic: [0x50, 0x4b, 0x03, 0x04],
    what: 'a zip archive',
    nextStep: 'Give it a name that ends in .zip, or unpack it first.',
  },
  {
    magic: [0x50, 0x4b, 0x05, 0x06],
    what: 'an empty zip archive',
    nextStep: 'Download or make the archive again.',
  },
  {
    magic: [0x42, 0x5a, 0x68],
    what: 'compressed with bzip2',
    nextStep: 'Unpack it first, for instance with: bunzip2 FILE',
  },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    what: 'compressed with xz',
    nextStep: 'Unpack it first, for instance with: unxz FILE',
  },
  {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    what: 'compressed with zstd',
    nextStep: 'Unpack it first, for instance with: unzstd FILE',
  },
  { magic: [0x50, 0x41, 0x52, 0x31], what: 'a Parquet table', nextStep: 'Save it as CSV or JSONL first.' },
  { magic: [0xff, 0xfe], what: 'text in UTF-16', nextStep: 'Save it as UTF-8 in the program that made it.' },
  { magic: [0xfe, 0xff], what: 'text in UTF-16', nextStep: 'Save it as UTF-8 in the program that made it.' },
];

/**
 * Looks at a file before anything reads it.
 * @param options.content `text` (the default) refuses archives and other binary files too.
 * @throws StudioError NOT_FOUND; UNREADABLE for a folder, FIFO, device, socket or missing permission; BAD_FILE for a
 * binary file where text was asked for.
 */
export function openRegularFile(
  path: string,
  options: { readonly content?: 'text' | 'any' } = {},
): RegularFile {
  const { sizeBytes, head } = look(path);
  if ((options.content ?? 'text') === 'text') requireText(head, path);
  return { path, sizeBytes, head, stream: () => createReadStream(path, { highWaterMark: CHUNK_BYTES }) };
}

/** True for the first bytes of a zip archive with at least one entry. */
export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 0x03 && head[3] === 0x04;
}

/**
 * Refuses bytes that cannot be UTF-8 text, by name where the format is known.
 * @throws StudioError BAD_FILE
 */
export function requireText(head: Uint8Array, path: string): void {
  const known = NOT_TEXT.find(({ magic }) => magic.every((byte, at) => head[at] === byte));
  if (known === undefined && !head.includes(0)) return;
  const what = known?.what ?? 'a binary file';
  const nextStep = known?.nextStep ?? 'Give a file of UTF-8 text: SNLI, CSV, TSV or JSONL.';
  throw new StudioError('BAD_FILE', `${path} is ${what}, not plain text.`, {
    nextStep,
    place: { file: path },
  });
}

function look(path: string): { sizeBytes: number; head: Buffer } {
  let file: number | null = null;
  try {
    // Asked before opening, because opening some devices does something, and once more after, because names change.
    requireRegular(statSync(path), path);
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(file);
    requireRegular(stats, path);
    const head = Buffer.alloc(Math.min(HEAD_BYTES, stats.size));
    const read = readSync(file, head, 0, head.length, 0);
    return { sizeBytes: stats.size, head: head.subarray(0, read) };
  } catch (thrown) {
    throw readError(thrown, path);
  } finally {
    if (file !== null) closeSync(file);
  }
}

function requireRegular(stats: Stats, path: string): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory()
    ? 'a folder'
    : stats.isFIFO()
      ? 'a named pipe (FIFO)'
      : stats.isSocket()
        ? 'a socket'
        : 'a device';
  const nextStep = stats.isDirectory()
    ? 'Name a file in it.'
    : 'Save what it gives to a file and name that file.';
  throw new StudioError('UNREADABLE', `${path} is ${what}, not a regular file.`, {
    nextStep,
    place: { file: path },
  });
}
