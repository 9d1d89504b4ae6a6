/** @file Node. Reads a text to pretrain on from a file, a folder or an archive, and divides it into splits. */
import { existsSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { SPLITS, type Split } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import type { TextLayout } from '../../../shared/texts.ts';
import { formatBytes } from '../../files/disk.ts';
import { readError } from '../../files/fileErrors.ts';
import { readLines } from '../../files/lines.ts';
import { isZip, openRegularFile, requireText } from '../../files/regularFile.ts';
import { openZip } from '../../files/zip.ts';
import { type Paragraph, paragraphReader } from './sentences.ts';
import type { TextParagraphs } from './storedText.ts';

/** One split's bytes. */
interface TextFile {
  /** For messages. */
  readonly path: string;
  readonly split: Split;
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
}

interface TextFiles {
  readonly layout: TextLayout;
  readonly files: readonly TextFile[];
  close(): Promise<void>;
}

/** WikiText's files, by split, as its authors' archive and the book name them. */
const WIKITEXT_FILES: Readonly<Record<Split, string>> = {
  train: 'wiki.train.tokens',
  dev: 'wiki.valid.tokens',
  test: 'wiki.test.tokens',
};
const MAX_TEXT_BYTES = 2 ** 30;
const MAX_LINE_BYTES = 16 << 20;
/** Of a file without a validation split, every so many-th paragraph is kept for validation. */
const EVERY_NTH_IS_DEV = 20;

export interface ReadTextOptions {
  /** Null: by the file's name. */
  readonly layout: TextLayout | null;
  readonly signal?: AbortSignal;
  /** Share read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

export interface ReadText {
  readonly layout: TextLayout;
  readonly paragraphs: TextParagraphs;
}

/**
 * A folder or archive with WikiText's files gives its three splits; a single file is divided, every twentieth paragraph
 * for validation.
 * @throws StudioError NOT_FOUND, UNREADABLE; TOO_LARGE; BAD_FILE for a binary or empty file and for a text without a
 * sentence pair; CANCELLED
 */
export async function readText(path: string, options: ReadTextOptions): Promise<ReadText> {
  const { layout, files, close } = await locate(path, options.layout);
  try {
    const allBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    requireSize(allBytes, path);
    const paragraphs: Record<Split, Paragraph[]> = { train: [], dev: [], test: [] };
    let readBytes = 0;
    for (const file of files) {
      const onBytes = (bytes: number) => {
        readBytes += bytes;
        options.onProgress?.(Math.min(1, readBytes / Math.max(1, allBytes)));
      };
      paragraphs[file.split] = await paragraphsOf(file, layout, { ...options, onBytes });
    }
    const divided = files.length === 1 ? divide(paragraphs.train) : paragraphs;
    requirePairs(divided.train, path);
    return { layout, paragraphs: divided };
  } finally {
    await close();
  }
}

async function locate(path: string, layout: TextLayout | null): Promise<TextFiles> {
  if (isFolder(path)) return inFolder(path);
  const { head, sizeBytes, stream } = openRegularFile(path, { content: 'any' });
  if (isZip(head)) return await inZip(path);
  requireText(head, path);
  const byName = extname(path) === '.tokens' ? 'wikitext' : 'plain';
  return {
    layout: layout ?? byName,
    files: [{ path, split: 'train', sizeBytes, chunks: stream }],
    close: async () => undefined,
  };
}

function inFolder(folder: string): TextFiles {
  const files = SPLITS.flatMap((split): TextFile[] => {
    const path = join(folder, WIKITEXT_FILES[split]);
    if (!existsSync(path)) return [];
    const { sizeBytes, stream } = openRegularFile(path);
    return [{ path, split, sizeBytes, chunks: stream }];
  });
  if (!files.some(({ split }) => split === 'train')) throw noTraining(folder);
  return { layout: 'wikitext', files, close: async () => undefined };
}

async function inZip(path: string): Promise<TextFiles> {
  const zip = await openZip(path);
  const files = SPLITS.flatMap((split): TextFile[] => {
    const entry = zip.entries.find(({ name }) => basename(name) === WIKITEXT_FILES[split]);
    if (entry === undefined) return [];
    const { name, sizeBytes } = entry;
    return [{ path: `${path}/${name}`, split, sizeBytes, chunks: () => zip.stream(name) }];
  });
  if (files.some(({ split }) => split === 'train'))
    return { layout: 'wikitext', files, close: () => zip.close() };
  await zip.close();
  throw noTraining(path);
}

async function paragraphsOf(
  file: TextFile,
  layout: TextLayout,
  { signal, onBytes }: { signal?: AbortSignal; onBytes: (bytes: number) => void },
): Promise<Paragraph[]> {
  const reader = paragraphReader(layout);
  const paragraphs: Paragraph[] = [];
  const keep = (paragraph: Paragraph | null) => {
    if (paragraph !== null) paragraphs.push(paragraph);
  };
  const counted = async function* () {
    for await (const chunk of file.chunks()) {
      if (signal?.aborted === true) throw new StudioError('CANCELLED', 'Reading the text was cancelled.');
      onBytes(chunk.byteLength);
      yield chunk;
    }
  };
  for await (const lines of readLines(counted(), { maxLineBytes: MAX_LINE_BYTES })) {
    for (const { number, text, problem } of lines) {
      if (problem !== null || text.includes('\0')) throw badLine(file.path, number, problem);
      keep(reader.line(text));
    }
  }
  keep(reader.end());
  return paragraphs;
}

function divide(all: readonly Paragraph[]): TextParagraphs {
  const isDev = (at: number) => at % EVERY_NTH_IS_DEV === EVERY_NTH_IS_DEV - 1;
  return {
    train: all.filter((_, at) => !isDev(at)),
    dev: all.filter((_, at) => isDev(at)),
    test: [],
  };
}

function requirePairs(train: readonly Paragraph[], path: string): void {
  if (train.some((paragraph) => paragraph.length > 1)) return;
  const message =
    train.length === 0
      ? `There is no sentence in ${path}.`
      : `No paragraph of ${path} has two sentences, and so there is no sentence pair to learn from.`;
  throw new StudioError('BAD_FILE', message, {
    nextStep:
      'Give a text whose paragraphs have several sentences; empty lines divide paragraphs, and . ! or ? before a capital letter ends a sentence.',
    place: { file: path },
  });
}

function requireSize(bytes: number, path: string): void {
  if (bytes === 0)
    throw new StudioError('BAD_FILE', `${path} is empty.`, {
      nextStep: 'Give a file of UTF-8 text.',
      place: { file: path },
    });
  if (bytes <= MAX_TEXT_BYTES) return;
  const most = formatBytes(MAX_TEXT_BYTES);
  throw new StudioError('TOO_LARGE', `The text ${path} has ${formatBytes(bytes)}; ${most} are the most.`, {
    nextStep: 'Give a part of it: the whole text is held in memory while a run trains.',
    place: { file: path },
  });
}

function noTraining(path: string): StudioError {
  return new StudioError('BAD_FILE', `There is no ${WIKITEXT_FILES.train} in ${path}.`, {
    nextStep: 'Give a folder or archive in the layout of WikiText, or a single text file.',
    place: { file: path },
  });
}

function badLine(path: string, line: number, problem: string | null): StudioError {
  const what = problem === null ? 'has a character that stands in no text (U+0000)' : `is ${problem}`;
  return new StudioError(
    'BAD_FILE',
    `Line ${line} of ${path} ${problem === 'line too long' ? 'is too long' : what}.`,
    {
      nextStep: 'Give a file of UTF-8 text.',
      place: { file: path, line },
    },
  );
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (thrown) {
    throw readError(thrown, path);
  }
}
