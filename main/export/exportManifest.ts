/**
 * @file Node. The list of files that makes a folder an export of ours: by it a folder is known before anything in its
 * place is replaced.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import { EXPORT_FORMATS, type ExportFormat, FORMAT_NAMES } from '../../shared/exports.ts';
import { readError } from '../files/fileErrors.ts';
import type { WrittenFile } from './exportFolder.ts';

export const EXPORT_MANIFEST = 'entail-export.json';
const FORMAT = 'entail-export';
const VERSION = 1;
const MOST_MANIFEST_BYTES = 1 << 20;
/** Files that a person may have edited are compared by their sum; larger ones, such as weights, by their size. */
const EDITABLE_BYTES = 1 << 20;
/** File browsers leave these behind when somebody looks into a folder. */
const LEFT_BY_BROWSERS: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

const schema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  to: z.enum(EXPORT_FORMATS),
  files: z.array(
    z.strictObject({
      name: z.string().min(1).max(300),
      sizeBytes: z.number().int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

/** The manifest's text, files by name. */
export function exportManifestText(to: ExportFormat, files: readonly WrittenFile[]): string {
  const sorted = files
    .map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return `${JSON.stringify({ format: FORMAT, version: VERSION, to, files: sorted }, null, 2)}\n`;
}

/**
 * Makes sure that what stands at `path` may be replaced: nothing, an empty folder, or an export of ours as it was written.
 * @param to of this format only; null: of any
 * @throws StudioError ALREADY_EXISTS naming what is in the way; UNREADABLE.
 */
export function requireReplaceable(path: string, to: ExportFormat | null): void {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!stats.isDirectory()) throw inTheWay(path, 'is no folder');
    if (readdirSync(path).length > 0) requireOurs(path, to);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

/** Several exports that each get a folder in it would change it. @throws StudioError ALREADY_EXISTS. */
export function requireNoExport(path: string): void {
  const manifest = manifestIn(path);
  if (manifest !== null) throw inTheWay(path, `is an export itself (${FORMAT_NAMES[manifest.to]})`);
}

/** What is below is looked at only of an export: a home folder is not to be walked through. */
function requireOurs(path: string, to: ExportFormat | null): void {
  const manifest = manifestIn(path);
  if (manifest === null) throw inTheWay(path, 'is not an export of Entail');
  if (to !== null && manifest.to !== to)
    throw inTheWay(path, `is an export of another format (${FORMAT_NAMES[manifest.to]})`);
  const listed = new Map(manifest.files.map((file) => [file.name, file]));
  for (const name of filesBelow(path)) {
    if (name === EXPORT_MANIFEST) continue;
    const file = listed.get(name);
    if (file === undefined) throw inTheWay(path, `holds ${name}, which the export did not write`);
    if (isChanged(join(path, name), file)) throw inTheWay(path, `holds ${name}, which was changed since`);
  }
}

/** Null where there is none that can be read. */
function manifestIn(path: string): z.infer<typeof schema> | null {
  const manifest = join(path, EXPORT_MANIFEST);
  const stats = lstatSync(manifest, { throwIfNoEntry: false });
  if (stats?.isFile() !== true || stats.size > MOST_MANIFEST_BYTES) return null;
  try {
    return schema.safeParse(JSON.parse(readFileSync(manifest, 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}

function isChanged(path: string, { sizeBytes, sha256 }: WrittenFile): boolean {
  const stats = lstatSync(path);
  if (!stats.isFile() || stats.size !== sizeBytes) return true;
  if (sizeBytes > EDITABLE_BYTES) return false;
  return createHash('sha256').update(readFileSync(path)).digest('hex') !== sha256;
}

/** Names of everything that is no folder, with "/" between their parts. */
function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !LEFT_BY_BROWSERS.has(entry.name))
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

/** Whether the folder of an export is where it was written. */
export function isExportPresent(path: string): boolean {
  return existsSync(join(path, EXPORT_MANIFEST));
}

function inTheWay(path: string, why: string): StudioError {
  return new StudioError('ALREADY_EXISTS', `${path} ${why}, and is not replaced.`, {
    nextStep: 'Name another folder with --out, or move what is there away.',
    place: { file: path },
  });
}
