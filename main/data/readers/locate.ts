/** @file Node. Finds the files of a data set: one file, the files of a folder, or the entries of a zip archive. */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { SPLITS, type Split } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { readError } from '../../files/fileErrors.ts';
import { isZip, openRegularFile, requireText } from '../../files/regularFile.ts';
import { openZip } from '../../files/zip.ts';
import { compareCodePoints } from '../words.ts';
import { isParquet } from './parquetHead.ts';
import type { SourceFile } from './source.ts';

/** A file whose bytes can be read, more than once. */
export interface DataFile extends SourceFile {
  /** For messages: the file's path, or the archive's with the entry's name. */
  readonly path: string;
  /** False in an archive: its bytes come one after another only. */
  readonly onDisk: boolean;
  chunks(): AsyncIterable<Uint8Array>;
}

export interface LocatedFiles {
  readonly files: readonly DataFile[];
  /** Names of other files beside them that look like data; empty when a single file was named. */
  readonly ignored: readonly string[];
  close(): Promise<void>;
}

/** In order of preference when a folder holds the same data in several formats. */
const EXTENSIONS = ['.txt', '.tsv', '.csv', '.jsonl', '.ndjson', '.parquet'];
/** A single file in a folder is taken as the data set, but not a README.txt. */
const SINGLE_EXTENSIONS = ['.tsv', '.csv', '.jsonl', '.ndjson', '.parquet'];
const SPLIT_IN_NAME =
  /^(.*?)(?:^|[._-])(train|training|dev|development|val|valid|validation|test|testing)((?:[._-](?:mis)?matched)?)$/;
/** The same words anywhere: mnli_train_subset, train-00000-of-00002, dev2. */
const WORD_IN_NAME =
  /(?<=^|[._\-\d])(train|training|dev|development|val|valid|validation|test|testing)(?=$|[._\-\d])/g;
const NO_DATA_NAME = /^(readme|licen[cs]e|notice|changelog|citation)\b/i;
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
 * dev.jsonl, …), text before JSONL when both are there, or its only data file. Names that end in the split go
 * before those that hold it elsewhere (mnli_train_subset.tsv); what looks like data and is not taken is `ignored`.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for binary files, unsound archives and folders without data.
 */
export async function locateFiles(path: string): Promise<LocatedFiles> {
  if (isFolder(path)) return { ...chooseFiles(candidatesInFolder(path), path), close: async () => undefined };
  const { head } = openRegularFile(path, { content: 'any' });
  // A table that is really an archive is a mistake to be named; an archive is what its name says it is.
  if (extname(path).toLowerCase() === '.zip' || (isZip(head) && extname(path) === ''))
    return locateInZip(path);
  return { files: [fileAt(path, null)], ignored: [], close: async () => undefined };
}

/** A file that may belong to the data set; it is opened only when it is chosen, because another one may be anything. */
interface Candidate {
  readonly name: string;
  open(split: Split | null): DataFile;
}

function fileAt(path: string, split: Split | null): DataFile {
  const file = openRegularFile(path, { content: 'any' });
  if (!isParquet(file.head)) requireText(file.head, path);
  const { sizeBytes } = file;
  return { name: basename(path), path, onDisk: true, split, sizeBytes, chunks: () => file.stream() };
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
            onDisk: false,
            split,
            sizeBytes: entry.sizeBytes,
            chunks: () => zip.stream(entry.name),
          }),
        }),
      );
    return { ...chooseFiles(candidates, path), close: () => zip.close() };
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
    return (
      readdirSync(folder, { withFileTypes: true })
        .filter((one) => !one.name.startsWith('.') && !one.isDirectory())
        .map(({ name }) => ({ name, open: (split: Split | null) => fileAt(join(folder, name), split) }))
        // Pieces of a split (train-00000-of-00002) follow each other.
        .toSorted((a, b) => compareCodePoints(a.name, b.name))
    );
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
  /** True when the name ends in the split, as SNLI's and MultiNLI's do. */
  readonly atEnd: boolean;
}

function chooseFiles(
  candidates: readonly Candidate[],
  path: string,
): Pick<LocatedFiles, 'files' | 'ignored'> {
  const named = candidates.flatMap(namedAfterSplit);
  const has = (extension: string, split?: Split) =>
    named.some((one) => one.extension === extension && (split === undefined || one.split === split));
  const extension = EXTENSIONS.find((one) => has(one, 'train')) ?? EXTENSIONS.find((one) => has(one));
  const chosen = plainestNames(named.filter((one) => one.extension === extension));
  if (chosen.length === 0) {
    const only = onlyFile(candidates, path);
    return { files: [only], ignored: dataBeside([only.name], candidates) };
  }
  const series = new Set(chosen.map((one) => one.series));
  if (series.size > 1) throw severalDatasets([...series], path);
  const place = (one: Named) =>
    SPLITS.indexOf(one.split) * 2 + (one.candidate.name.includes('mismatched') ? 1 : 0);
  const files = chosen.toSorted((a, b) => place(a) - place(b)).map((one) => one.candidate.open(one.split));
  return {
    files,
    ignored: dataBeside(
      files.map(({ name }) => name),
      candidates,
    ),
  };
}

/** Of each split the files whose names end in it, else those of the same series that hold it anywhere. */
function plainestNames(named: readonly Named[]): Named[] {
  const ending = named.filter((one) => one.atEnd);
  const others = named.filter(
    (one) =>
      !one.atEnd &&
      !ending.some(({ split }) => split === one.split) &&
      (ending.length === 0 || ending.some(({ series }) => series === one.series)),
  );
  return [...ending, ...others];
}

/** Names that look like data and were not taken; not those that hold what was taken in another format. */
function dataBeside(taken: readonly string[], candidates: readonly Candidate[]): string[] {
  const stem = (name: string) => basename(name, extname(name));
  const known = new Set(taken.map(stem));
  return candidates
    .map(({ name }) => name)
    .filter((name) => EXTENSIONS.includes(extname(name).toLowerCase()))
    .filter((name) => !NO_DATA_NAME.test(name) && !known.has(stem(name)))
    .toSorted();
}

/** What the name of a file says about its split; null when it names none, or several. */
export function splitInName(name: string): Omit<Named, 'candidate'> | null {
  const extension = extname(name).toLowerCase();
  const stem = basename(name, extname(name)).toLowerCase();
  const found = SPLIT_IN_NAME.exec(stem);
  const split = found === null ? undefined : splitOfWord(found[2]!);
  if (split !== undefined) return { split, extension, series: found![1]!, atEnd: true };
  const words = [...stem.matchAll(WORD_IN_NAME)];
  const splits = new Set(words.map(([word]) => splitOfWord(word)));
  const [only] = splits;
  // "train_vs_test_lengths" names two: nobody can tell which it is.
  if (splits.size !== 1 || only === undefined) return null;
  const series = stem.slice(0, words[0]!.index).replace(/[._-]$/, '');
  return { split: only, extension, series, atEnd: false };
}

function namedAfterSplit(candidate: Candidate): Named[] {
  const named = splitInName(candidate.name);
  return named === null ? [] : [{ candidate, ...named }];
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
