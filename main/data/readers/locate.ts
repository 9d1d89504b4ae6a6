/** @file Node. Finds the files of a data set: one file, the files of a folder, or the entries of a zip archive. */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { SPLITS, type Split } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { readError } from '../../files/fileErrors.ts';
import { isZip, openRegularFile } from '../../files/regularFile.ts';
import { openZip } from '../../files/zip.ts';
import type { SourceFile } from './source.ts';

/** A file whose bytes can be read, more than once. */
export interface DataFile extends SourceFile {
  /** For messages: the file's path, or the archive's with the entry's name. */
  readonly path: string;
  chunks(): AsyncIterable<Uint8Array>;
}

export interface LocatedFiles {
  readonly files: readonly DataFile[];
  close(): Promise<void>;
}

/** In order of preference when a folder holds the same data in several formats. */
const EXTENSIONS = ['.txt', '.tsv', '.csv', '.jsonl', '.ndjson'];
/** A single file in a folder is taken as the data set, but not a README.txt. */
const SINGLE_EXTENSIONS = ['.tsv', '.csv', '.jsonl', '.ndjson'];
const SPLIT_IN_NAME =
  /^(.*?)(?:^|[._-])(train|training|dev|val|valid|validation|test|testing)((?:[._-](?:mis)?matched)?)$/;
const SPLIT_WORDS: ReadonlyMap<string, Split> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['dev', 'dev'],
  ['development', 'dev'],
  ['val', 'dev'],
  ['valid', 'dev'],
  ['validation', 'dev'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** The split that a word names, in any case; undefined for another word. */
export function splitOfWord(word: string): Split | undefined {
  return SPLIT_WORDS.get(word.trim().toLowerCase());
}

/**
 * The data files at a path. A folder or archive gives its files named after splits (snli_1.0_train.txt,
 * dev.jsonl, …), text before JSONL when both are there, or its only data file.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for binary files, unsound archives and folders without data.
 */
export async function locateFiles(path: string): Promise<LocatedFiles> {
  if (isFolder(path))
    return { files: chooseFiles(candidatesInFolder(path), path), close: async () => undefined };
  const { head } = openRegularFile(path, { content: 'any' });
  // A table that is really an archive is a mistake to be named; an archive is what its name says it is.
  if (extname(path).toLowerCase() === '.zip' || (isZip(head) && extname(path) === ''))
    return locateInZip(path);
  return { files: [fileAt(path, null)], close: async () => undefined };
}

/** A file that may belong to the data set; it is opened only when it is chosen, because another one may be anything. */
interface Candidate {
  readonly name: string;
  open(split: Split | null): DataFile;
}

function fileAt(path: string, split: Split | null): DataFile {
  const file = openRegularFile(path);
  return { name: basename(path), path, split, sizeBytes: file.sizeBytes, chunks: () => file.stream() };
}

async function locateInZip(path: string): Promise<LocatedFiles> {
  const zip = await openZip(path);
  try {
    const candidates = zip.entries
      .filter(({ name }) => !name.startsWith('__MACOSX/') && !basename(name).startsWith('.'))
      .map(
        (entry): Candidate => ({
          name: basename(entry.name),
          open: (split) => ({
            name: basename(entry.name),
            path: `${path}/${entry.name}`,
            split,
            sizeBytes: entry.sizeBytes,
            chunks: () => zip.stream(entry.name),
          }),
        }),
      );
    return { files: chooseFiles(candidates, path), close: () => zip.close() };
  } catch (thrown) {
    await zip.close();
    throw thrown;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

function candidatesInFolder(folder: string): Candidate[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((one) => !one.name.startsWith('.') && !one.isDirectory())
      .map(({ name }) => ({ name, open: (split) => fileAt(join(folder, name), split) }));
  } catch (thrown) {
    throw readError(thrown, folder);
  }
}

/** A candidate whose name tells its split. `series` is what stands before that: "snli_1.0". */
interface Named {
  readonly candidate: Candidate;
  readonly split: Split;
  readonly extension: string;
  readonly series: string;
}

function chooseFiles(candidates: readonly Candidate[], path: string): DataFile[] {
  const named = candidates.flatMap(namedAfterSplit);
  const has = (extension: string, split?: Split) =>
    named.some((one) => one.extension === extension && (split === undefined || one.split === split));
  const extension = EXTENSIONS.find((one) => has(one, 'train')) ?? EXTENSIONS.find((one) => has(one));
  const chosen = named.filter((one) => one.extension === extension);
  if (chosen.length === 0) return [onlyFile(candidates, path)];
  const series = new Set(chosen.map((one) => one.series));
  if (series.size > 1) throw severalDatasets([...series], path);
  const place = (one: Named) =>
    SPLITS.indexOf(one.split) * 2 + (one.candidate.name.includes('mismatched') ? 1 : 0);
  return chosen.toSorted((a, b) => place(a) - place(b)).map((one) => one.candidate.open(one.split));
}

function namedAfterSplit(candidate: Candidate): Named[] {
  const extension = extname(candidate.name).toLowerCase();
  const stem = basename(candidate.name, extname(candidate.name)).toLowerCase();
  const found = SPLIT_IN_NAME.exec(stem);
  const split = found === null ? undefined : splitOfWord(found[2]!);
  return split === undefined ? [] : [{ candidate, split, extension, series: found![1]! }];
}

function onlyFile(candidates: readonly Candidate[], path: string): DataFile {
  const tables = candidates.filter(({ name }) => SINGLE_EXTENSIONS.includes(extname(name).toLowerCase()));
  if (tables.length === 1) return tables[0]!.open(null);
  const seen = candidates.slice(0, 5).map(({ name }) => name);
  const others = seen.length === 0 ? '' : ` (seen: ${seen.join(', ')}${candidates.length > 5 ? ', …' : ''})`;
  throw new StudioError(
    'BAD_FILE',
    `${path} holds no data set: there is no file whose name ends in train, dev or test${others}.`,
    {
      nextStep: `Name one file, or name them after their splits, such as snli_1.0_train.txt (${EXTENSIONS.join(', ')}).`,
      place: { file: path },
    },
  );
}

function severalDatasets(series: readonly string[], path: string): StudioError {
  return new StudioError(
    'BAD_FILE',
    `${path} holds several data sets: ${series.map((one) => one || '(no name)').join(', ')}.`,
    {
      nextStep: 'Give each a folder of its own, or name one file.',
      place: { file: path },
    },
  );
}
