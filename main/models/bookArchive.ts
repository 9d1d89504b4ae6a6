/**
 * @file Node. The book's pretrained models, bert.small.torch.zip and bert.base.torch.zip: a zip archive, or its folder, of
 * vocab.json and pretrained.params (book.md 4 and 5). The book's names are ours.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { type Vocabulary, vocabularyFromJson } from '../data/vocabulary.ts';
import { bytesInMemory } from '../files/byteSource.ts';
import { readError } from '../files/fileErrors.ts';
import { openRegularFile } from '../files/regularFile.ts';
import { openZip, type ZipArchive, type ZipEntry } from '../files/zip.ts';
import { parameterShapes } from '../model/parameters.ts';
import { type BookChoices, bookConfigOf } from './bookConfig.ts';
import type { OpenedWeights } from './importedModel.ts';
import { takeParameters } from './takeParameters.ts';
import { openTorchArchive, openTorchFile } from './torchArchive.ts';
import { someNames, type WeightFile } from './weightFile.ts';

export interface BookModel extends OpenedWeights {
  readonly vocabulary: Vocabulary;
  /** Of vocab.json, as it stands in the archive. */
  readonly vocabularyText: string;
}

export const BOOK_VOCABULARY = 'vocab.json';
export const BOOK_WEIGHTS = 'pretrained.params';
const MAX_VOCABULARY_BYTES = 64 << 20;
/** bert.base with both its pretraining heads has half a gigabyte. */
const MAX_WEIGHTS_BYTES = 4 * 2 ** 30;
/** What BERT is pretrained with, and what fine-tuning drops (book.md 3). */
const PRETRAINING = /^(mlm|nsp)\./;
/** What BERTClassifier adds; a pretrained model does not have it. */
const OUTPUT = /^output\./;

/**
 * Opens such an archive. Layers and sizes are taken from the shapes, heads from the caller: no shape tells them.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE, CHECKSUM_MISMATCH; USAGE when the choices do not fit the shapes
 */
export async function openBookArchive(path: string, choices: BookChoices): Promise<BookModel> {
  const zip = await openZip(path);
  try {
    const vocabularyEntry = only(zip, BOOK_VOCABULARY, path);
    const weightsEntry = only(zip, BOOK_WEIGHTS, path);
    requireAtMost(vocabularyEntry, MAX_VOCABULARY_BYTES, path);
    requireAtMost(weightsEntry, MAX_WEIGHTS_BYTES, path);
    const source = `${path}/${vocabularyEntry.name}`;
    const text = decodeUtf8(await zip.read(vocabularyEntry.name), source);
    const vocabulary = vocabularyFromJson(text, { source });
    const bytes = await zip.read(weightsEntry.name);
    const file = await openTorchArchive(bytesInMemory(`${path}/${weightsEntry.name}`, bytes));
    return bookModel(file, { choices, vocabulary, text, path });
  } finally {
    await zip.close();
  }
}

/** The same two files in a folder. Throws as `openBookArchive`. */
export async function openBookFolder(path: string, choices: BookChoices): Promise<BookModel> {
  const source = join(path, BOOK_VOCABULARY);
  const { sizeBytes } = openRegularFile(source);
  requireAtMost({ name: BOOK_VOCABULARY, sizeBytes }, MAX_VOCABULARY_BYTES, path);
  const text = decodeUtf8(readWhole(source), source);
  const vocabulary = vocabularyFromJson(text, { source });
  const file = await openTorchFile(join(path, BOOK_WEIGHTS));
  try {
    return bookModel(file, { choices, vocabulary, text, path });
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

interface BookParts {
  readonly choices: BookChoices;
  readonly vocabulary: Vocabulary;
  /** Of the vocabulary. */
  readonly text: string;
  readonly path: string;
}

function bookModel(file: WeightFile, { choices, vocabulary, text, path }: BookParts): BookModel {
  const weights = takeBookWeights(file, choices);
  requireRows(weights.model, vocabulary, path);
  return { ...weights, vocabulary, vocabularyText: text };
}

function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

/** The parameters of a state dict with the book's names, pretrained or fine-tuned. */
export function takeBookWeights(file: WeightFile, choices: BookChoices): OpenedWeights {
  const model = bookConfigOf(file, choices);
  const shapes = parameterShapes(model);
  const hasOutput = [...file.tensors.keys()].some((name) => OUTPUT.test(name));
  const expected = shapes.filter(({ name }) => hasOutput || !OUTPUT.test(name));
  const taken = takeParameters(
    file,
    expected.map((parameter) => ({ parameter, from: parameter.name })),
  );
  const names = new Set(expected.map(({ name }) => name));
  const unused = [...file.tensors.keys()].filter((name) => !names.has(name));
  return {
    ...taken,
    model,
    fresh: shapes.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    unused,
    notes: [...file.notes, ...notesAbout(unused)],
  };
}

function notesAbout(unused: readonly string[]): string[] {
  const heads = unused.filter((name) => PRETRAINING.test(name));
  const others = unused.filter((name) => !PRETRAINING.test(name));
  return [
    ...(heads.length === 0 ? [] : [`The heads of pretraining were left out: ${someNames(heads)}.`]),
    ...(others.length === 0
      ? []
      : [`Tensors that the network does not have were left out: ${someNames(others)}.`]),
  ];
}

/** The one entry of that name, in whatever folder of the archive. */
function only(zip: ZipArchive, name: string, path: string): ZipEntry {
  const found = zip.entries.filter(
    (entry) => basename(entry.name) === name && !entry.name.startsWith('__MACOSX/'),
  );
  if (found.length === 1) return found[0]!;
  throw unfit(path, `${path} has ${found.length} entries called ${name} instead of one.`);
}

function requireAtMost(
  { name, sizeBytes }: Pick<ZipEntry, 'name' | 'sizeBytes'>,
  most: number,
  path: string,
): void {
  if (sizeBytes > most)
    throw unfit(path, `The entry ${name} of ${path} has ${sizeBytes} bytes, more than ${most}.`);
}

function requireRows({ vocabularySize }: ModelConfig, vocabulary: Vocabulary, path: string): void {
  if (vocabulary.size !== vocabularySize)
    throw unfit(
      path,
      `The vocabulary of ${path} has ${vocabulary.size} words, but its token table has ${vocabularySize} rows.`,
    );
}

function decodeUtf8(bytes: Buffer, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unfit(source, `The vocabulary ${source} is not UTF-8 text.`);
  }
}

function unfit(file: string, message: string): StudioError {
  const nextStep =
    'The book\'s archives hold vocab.json and pretrained.params: download one with "entail models download".';
  return new StudioError('BAD_FILE', message, { nextStep, place: { file } });
}
