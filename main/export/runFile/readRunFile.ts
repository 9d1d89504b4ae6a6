/**
 * @file Node. Unpacks a run file that may come from anywhere: every entry named, of its size and sum, nothing besides, and
 * nothing written but into the folder given.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import { requireFreeBytes } from '../../files/disk.ts';
import { writeSyncedFile } from '../../files/durableWrite.ts';
import { writeError } from '../../files/fileErrors.ts';
import { nodeFileSystem } from '../../files/fileSystem.ts';
import { openZip, type ZipArchive } from '../../files/zip.ts';
import { parseCurves, parseEvaluations } from './metricsInJson.ts';
import {
  badRunFile,
  ENTRIES,
  parseDescription,
  type RunFileDescription,
  type RunFileParts,
} from './runFile.ts';

const MOST_TEXT_BYTES = 512 << 20;
/** Plain names only: nothing hidden, nothing that leads out of the folder. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,126}$/;

/**
 * @param folder an empty folder, which becomes the run's
 * @throws StudioError NOT_FOUND, UNREADABLE (also for a newer version); BAD_FILE, CHECKSUM_MISMATCH naming the entry;
 * DISK_FULL, WRITE_FAILED
 */
export async function readRunFile(path: string, folder: string): Promise<RunFileParts> {
  const archive = await openZip(path);
  try {
    const description = await readDescription(archive, path);
    requireEntries(archive, description, path);
    const bytes = description.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    requireFreeBytes(folder, bytes, 'The run');
    await unpack(archive, description, { path, folder });
    const text = async (name: string) =>
      (await readChecked(archive, description, name, path)).toString('utf8');
    return {
      run: description.run,
      checkpoint: description.checkpoint,
      curves: parseCurves(await text(ENTRIES.metrics), path),
      evaluations: parseEvaluations(await text(ENTRIES.evaluations), path),
      predictions: await readPredictions(archive, description, path),
      runDirectory: folder,
    };
  } finally {
    await archive.close();
  }
}

async function readDescription(archive: ZipArchive, path: string): Promise<RunFileDescription> {
  const entry = archive.entries.find(({ name }) => name === ENTRIES.description);
  if (entry === undefined) throw badRunFile(path, `it has no ${ENTRIES.description}`);
  if (entry.sizeBytes > MOST_TEXT_BYTES) throw badRunFile(path, `its ${ENTRIES.description} is too large`);
  return parseDescription((await archive.read(ENTRIES.description)).toString('utf8'), path);
}

/** The archive and its description name the same entries, each in a place that a run file has. */
function requireEntries(
  { entries }: ZipArchive,
  { files, predictions }: RunFileDescription,
  path: string,
): void {
  const listed = new Map(files.map((file) => [file.name, file]));
  if (listed.size !== files.length) throw badRunFile(path, 'it names an entry twice');
  for (const { name, sizeBytes } of entries) {
    if (name === ENTRIES.description) continue;
    const file = listed.get(name);
    if (file === undefined) throw badRunFile(path, `it holds ${name}, which its description does not name`);
    if (file.sizeBytes !== sizeBytes) throw badRunFile(path, `its ${name} is not of the size that it names`);
    listed.delete(name);
  }
  const [missing] = listed.keys();
  if (missing !== undefined) throw badRunFile(path, `its ${missing} is missing`);
  const places = new Set([
    ...[ENTRIES.metrics, ENTRIES.evaluations],
    ...predictions.map(({ split }) => ENTRIES.predictions(split)),
  ]);
  for (const { name } of files)
    if (!places.has(name) && fileOf(name) === null)
      throw badRunFile(path, `it holds ${name}, which has no place in it`);
  for (const name of places)
    if (!files.some((file) => file.name === name)) throw badRunFile(path, `its ${name} is missing`);
}

/** Where an entry belongs in the run's folder; null for entries that are no files of it. */
function fileOf(name: string): { readonly of: 'run' | 'checkpoint'; readonly name: string } | null {
  for (const [of, prefix] of [
    ['run', ENTRIES.folder] as const,
    ['checkpoint', ENTRIES.checkpoint] as const,
  ]) {
    const rest = name.slice(prefix.length);
    if (name.startsWith(prefix) && FILE_NAME.test(rest)) return { of, name: rest };
  }
  return null;
}

async function unpack(
  archive: ZipArchive,
  description: RunFileDescription,
  { path, folder }: { path: string; folder: string },
): Promise<void> {
  const checkpointFolder = join(folder, 'checkpoints', description.checkpoint.folder);
  try {
    mkdirSync(checkpointFolder, { recursive: true });
    for (const { name } of description.files) {
      const file = fileOf(name);
      if (file === null) continue;
      const bytes = await readChecked(archive, description, name, path);
      const target = join(file.of === 'run' ? folder : checkpointFolder, file.name);
      writeSyncedFile(nodeFileSystem, target, [bytes]);
    }
    for (const one of [checkpointFolder, join(folder, 'checkpoints'), folder]) nodeFileSystem.syncFolder(one);
  } catch (thrown) {
    throw thrown instanceof StudioError ? thrown : writeError(thrown, folder);
  }
}

async function readChecked(
  archive: ZipArchive,
  { files }: RunFileDescription,
  name: string,
  path: string,
): Promise<Buffer> {
  const bytes = await archive.read(name);
  const expected = files.find((file) => file.name === name)!.sha256;
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual === expected) return bytes;
  throw new StudioError(
    'CHECKSUM_MISMATCH',
    `The SHA-256 of ${name} in ${path} is ${actual}, not ${expected}.`,
    {
      nextStep: 'Copy the file again from where it came, or export the run again.',
      place: { file: path },
    },
  );
}

async function readPredictions(
  archive: ZipArchive,
  description: RunFileDescription,
  path: string,
): Promise<RunFileParts['predictions']> {
  const blocks = [];
  for (const { split, step, classes, pairs } of description.predictions) {
    const bytes = await readChecked(archive, description, ENTRIES.predictions(split), path);
    if (bytes.byteLength !== 4 * pairs * classes)
      throw badRunFile(path, `its predictions on ${split} are not ${pairs} rows of ${classes}`);
    const probabilities = new Float32Array(pairs * classes);
    new Uint8Array(probabilities.buffer).set(bytes);
    blocks.push({ split, step, classes, probabilities });
  }
  return blocks;
}
