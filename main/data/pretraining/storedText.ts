/**
 * @file Node. Texts to pretrain on, as the studio keeps them: read once, divided into paragraphs, sentences and words, and
 * kept under the sum of the result, so that a run goes on when the file it came from has gone.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SPLITS, type Split } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { TEXT_LAYOUTS, type TextRecord } from '../../../shared/texts.ts';
import { writeError } from '../../files/fileErrors.ts';
import { sweepTemporary, writeSealedFolder } from '../../files/sealedFolder.ts';
import { readSealedFolder, verifySealedFolder } from '../../files/sealedFolderReading.ts';
import { countWords } from './encodedText.ts';
import type { Paragraph } from './sentences.ts';

/** Raise it when the same file comes out as other words. */
const TEXT_VERSION = 1;
const RECORD_FILE = 'text.json';
/** The words of the training split and how often each occurs: a vocabulary is quick to build of them. */
const COUNTS_FILE = 'words.json';
/** Words are divided by spaces, sentences by tabs, paragraphs by line ends: none of them stands inside a word. */
const SENTENCE_END = '\t';

export type TextParagraphs = Readonly<Record<Split, readonly Paragraph[]>>;

const countsSchema = z.strictObject({ paragraphs: z.number(), sentences: z.number(), words: z.number() });
const recordSchema = z.strictObject({
  version: z.literal(TEXT_VERSION),
  name: z.string().min(1).max(200),
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  layout: z.enum(TEXT_LAYOUTS),
  source: z.string(),
  addedAt: z.string(),
  splits: z.strictObject({ train: countsSchema, dev: countsSchema, test: countsSchema }),
});

const countsOfWords = z.array(z.tuple([z.string(), z.number().int().min(1)]));

const textsFolder = (dataDirectory: string) => join(dataDirectory, 'texts');
const fileOf = (split: Split) => `${split}.txt`;
const folderOf = (contentHash: string) => contentHash.slice(0, 16);
const FOLDER = /^[0-9a-f]{16}$/;

/** A stored text; its words are read when they are asked for. */
export interface StoredText {
  readonly record: TextRecord;
  /** How often each word of the training split occurs. */
  wordCounts(): Map<string, number>;
  paragraphs(split: Split): Paragraph[];
}

/** Stores a text; one of the same content is left as it is. @throws StudioError DISK_FULL, WRITE_FAILED */
export function storeText(
  dataDirectory: string,
  paragraphs: TextParagraphs,
  { name, layout, source }: Pick<TextRecord, 'name' | 'layout' | 'source'>,
): TextRecord {
  const bytes = new Map(SPLITS.map((split) => [split, bytesOf(paragraphs[split])]));
  const hash = createHash('sha256').update(`${TEXT_VERSION}`);
  for (const split of SPLITS) hash.update(`\0${split}\0`).update(bytes.get(split)!);
  const contentHash = hash.digest('hex');
  const known = listTexts(dataDirectory);
  const same = known.find((text) => text.contentHash === contentHash);
  if (same !== undefined) return same;
  const taken = known.some((text) => text.name === name);
  const record: TextRecord = {
    name: taken ? `${name} ${contentHash.slice(0, 6)}` : name,
    ...{ contentHash, layout, source, addedAt: new Date().toISOString() },
    splits: {
      train: countsOf(paragraphs.train),
      dev: countsOf(paragraphs.dev),
      test: countsOf(paragraphs.test),
    },
  };
  const parent = textsFolder(dataDirectory);
  try {
    mkdirSync(parent, { recursive: true });
    sweepTemporary(parent);
  } catch (thrown) {
    throw writeError(thrown, parent);
  }
  const json = Buffer.from(`${JSON.stringify({ version: TEXT_VERSION, ...record }, null, 2)}\n`);
  const counts = Buffer.from(JSON.stringify([...countWords(paragraphs.train)]));
  const files = new Map<string, Uint8Array>([
    [RECORD_FILE, json],
    [COUNTS_FILE, counts],
  ]);
  for (const split of SPLITS) files.set(fileOf(split), bytes.get(split)!);
  writeSealedFolder(parent, folderOf(contentHash), files, { replace: true });
  return record;
}

/** Newest first; a damaged one is not told. */
export function listTexts(dataDirectory: string): TextRecord[] {
  const parent = textsFolder(dataDirectory);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => FOLDER.test(name))
    .flatMap((name) => {
      const path = join(parent, name);
      try {
        verifySealedFolder(path);
        return [readRecord(readFileSync(join(path, RECORD_FILE)), path)];
      } catch {
        return [];
      }
    })
    .sort((one, other) => other.addedAt.localeCompare(one.addedAt));
}

/** @throws StudioError NOT_FOUND; CHECKSUM_MISMATCH, BAD_FILE for one that is damaged. */
export function openText(dataDirectory: string, contentHash: string): StoredText {
  const path = join(textsFolder(dataDirectory), folderOf(contentHash));
  if (!existsSync(path)) {
    throw new StudioError(
      'NOT_FOUND',
      'The text that this run was made with is not in the data directory any more.',
      {
        nextStep: 'Add the original file again: it is recognised by its content.',
        place: { file: path },
      },
    );
  }
  const files = readSealedFolder(path);
  const missing = [RECORD_FILE, COUNTS_FILE, ...SPLITS.map(fileOf)].find((name) => !files.has(name));
  if (missing !== undefined) throw damaged(path, `${missing} is missing`);
  const record = readRecord(files.get(RECORD_FILE)!, path);
  if (record.contentHash !== contentHash)
    throw new StudioError(
      'CHECKSUM_MISMATCH',
      'The stored text is not the one that this run was made with.',
      {
        place: { file: path },
      },
    );
  return {
    record,
    wordCounts: () => {
      const counts = countsOfWords.safeParse(parsedJson(files.get(COUNTS_FILE)!, path, COUNTS_FILE));
      if (!counts.success) throw damaged(path, `${COUNTS_FILE}: ${z.prettifyError(counts.error)}`);
      return new Map(counts.data);
    },
    paragraphs: (split) => paragraphsOf(files.get(fileOf(split))!),
  };
}

function readRecord(bytes: Buffer, path: string): TextRecord {
  const parsed = recordSchema.safeParse(parsedJson(bytes, path, RECORD_FILE));
  if (!parsed.success) throw damaged(path, z.prettifyError(parsed.error));
  const { version: _, ...record } = parsed.data;
  return record;
}

function parsedJson(bytes: Buffer, path: string, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw damaged(path, `${name} is not JSON`);
  }
}

function damaged(path: string, why: string): StudioError {
  return new StudioError('BAD_FILE', `The stored text is damaged: ${why}.`, {
    nextStep: 'Remove this folder and add the original file again.',
    place: { file: path },
  });
}

/** In pieces of whole paragraphs: a large text is longer than a string may be. */
function bytesOf(paragraphs: readonly Paragraph[]): Buffer {
  return Buffer.concat(
    paragraphs.map((sentences) =>
      Buffer.from(`${sentences.map((words) => words.join(' ')).join(SENTENCE_END)}\n`),
    ),
  );
}

function paragraphsOf(bytes: Buffer): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let begin = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
    const line = bytes.toString('utf8', begin, end);
    paragraphs.push(line.split(SENTENCE_END).map((sentence) => sentence.split(' ')));
    begin = end + 1;
  }
  return paragraphs;
}

function countsOf(paragraphs: readonly Paragraph[]) {
  const sentences = paragraphs.reduce((sum, paragraph) => sum + paragraph.length, 0);
  const words = paragraphs.reduce(
    (sum, paragraph) => sum + paragraph.reduce((all, sentence) => all + sentence.length, 0),
    0,
  );
  return { paragraphs: paragraphs.length, sentences, words };
}
