/** @file Node. The list of a sealed folder's files with their sizes and SHA-256 sums: written last, read first. */
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';

export const MANIFEST_NAME = 'manifest.json';
const FORMAT = 'entail-sealed-folder';
const VERSION = 1;
/** Plain names only: no separators, nothing hidden, nothing that leads out of the folder or misleads a shell. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,126}$/;

export interface SealedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  files: z.array(
    z.strictObject({
      name: z.string().regex(FILE_NAME),
      sizeBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

/** Whether a file of that name may stand in a sealed folder beside the manifest. */
export function isSealableName(name: string): boolean {
  return FILE_NAME.test(name) && name.toLowerCase() !== MANIFEST_NAME;
}

/** A name that may not is a mistake of ours. */
export function requireSealableNames(names: Iterable<string>): void {
  for (const name of names)
    if (!isSealableName(name)) throw new Error(`"${name}" cannot be a file's name in a sealed folder`);
}

/** The manifest's text: always the same for the same files, so that its own sum stands for the whole folder. */
export function manifestText(files: readonly SealedFile[]): string {
  const sorted = files
    .map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${JSON.stringify({ format: FORMAT, version: VERSION, files: sorted }, null, 2)}\n`;
}

/**
 * Reads a manifest strictly: anything that `manifestText` would not have written is refused, so a single changed
 * byte shows.
 * @throws BAD_FILE naming `path`; UNREADABLE for a newer version's
 */
export function parseManifest(bytes: Buffer, path: string): readonly SealedFile[] {
  const text = bytes.toString('utf8');
  const value = parseJson(text);
  const version = z.object({ format: z.literal(FORMAT), version: z.number() }).safeParse(value).data?.version;
  if (version !== undefined && version > VERSION) {
    const message = `${path} was written by a newer version of Entail (format ${version}, this one knows ${VERSION}).`;
    throw new StudioError('UNREADABLE', message, { nextStep: 'Update Entail.', place: { file: path } });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw damagedManifest(path, 'it is not a manifest');
  const { files } = parsed.data;
  if (files.some((file) => !isSealableName(file.name)))
    throw damagedManifest(path, 'a file name in it is not allowed');
  const distinct = new Set(files.map((file) => file.name.toLowerCase()));
  if (distinct.size !== files.length) throw damagedManifest(path, 'it names a file twice');
  if (manifestText(files) !== text) throw damagedManifest(path, 'it has been changed');
  return files;
}

function damagedManifest(path: string, why: string): StudioError {
  const nextStep = 'This folder cannot be trusted: use another checkpoint.';
  return new StudioError('BAD_FILE', `${path} is damaged: ${why}.`, { nextStep, place: { file: path } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
