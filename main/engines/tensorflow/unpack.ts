/**
 * @file Node. Takes the libraries and headers out of a wheel. A wheel's SHA-256 is pinned and has been checked, so its
 * content is known; the size limits for archives that nobody vouches for (files/zip.ts) would refuse TensorFlow's.
 */
import { createHash } from 'node:crypto';
import { closeSync, createWriteStream, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { StudioError } from '../../../shared/errors.ts';
import { isKept } from './recipe.ts';

export interface UnpackedFile {
  /** Relative to the folder, with forward slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface UnpackOptions {
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onBytes?: (addedBytes: number) => void;
}

/** Programs among the kept files: what CUDA's compiler stage starts. */
const isProgram = (path: string) => path.includes('/bin/');

/**
 * Unpacks what the recipe keeps of one wheel, each file synced to the disk.
 * @throws BAD_FILE when the archive is damaged or a name leads out of the folder; CANCELLED; errors of the disk
 */
export async function unpackWheel(wheelPath: string, options: UnpackOptions): Promise<UnpackedFile[]> {
  const zip = await openPromise(wheelPath, { autoClose: false, strictFileNames: true });
  const files: UnpackedFile[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      if (!isKept(entry.fileName)) continue;
      const target = safeTarget(options.folder, entry.fileName);
      mkdirSync(dirname(target), { recursive: true });
      const stream = await zip.openReadStreamPromise(entry);
      files.push({ path: entry.fileName, ...(await writeStream(stream, target, options)) });
    }
  } finally {
    zip.close();
  }
  return files;
}

function safeTarget(folder: string, name: string): string {
  const target = normalize(join(folder, name));
  if (!target.startsWith(join(folder, '/')))
    throw new StudioError('BAD_FILE', `The wheel holds a file whose name leads out of its folder: ${name}.`);
  return target;
}

async function writeStream(
  source: NodeJS.ReadableStream,
  target: string,
  { signal, onBytes }: UnpackOptions,
) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      onBytes?.(chunk.length);
      done(null, chunk);
    },
  });
  const mode = isProgram(target) ? 0o755 : 0o644;
  const sink = createWriteStream(target, { mode, flags: 'wx' });
  await pipeline(source, watch, sink, ...(signal === undefined ? [] : [{ signal }]));
  syncFile(target);
  return { sizeBytes, sha256: hash.digest('hex') };
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
