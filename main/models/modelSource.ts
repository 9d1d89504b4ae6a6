/** @file Node. What a person names when a model is imported: a Hugging Face folder, or the book's archive or folder. */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { ModelFamily, ModelHead, ModelTokenizer } from '../../shared/models.ts';
import { nliLabel } from '../../shared/nliLabels.ts';
import { openPairTokenizer } from '../data/openPairTokenizer.ts';
import { readError } from '../files/fileErrors.ts';
import {
  BOOK_VOCABULARY,
  BOOK_WEIGHTS,
  type BookModel,
  openBookArchive,
  openBookFolder,
} from './bookArchive.ts';
import { weightFilesIn } from './huggingFace/weightFiles.ts';
import { openHuggingFaceFolder } from './huggingFaceFolder.ts';
import type { OpenedWeights } from './importedModel.ts';
import { inOutputOrder, labelOrder, requireNames } from './labelOrder.ts';
import { statedLicence } from './statedLicence.ts';

export interface SourceChoices {
  /** Attention heads, of the book's models; null takes those of the named size with these shapes. */
  readonly heads: number | null;
  /** Layers that are expected, of the book's models; null takes what is there. */
  readonly layers: number | null;
  /** What each output of the head means, in the file's order; null believes the configuration. */
  readonly labels: readonly string[] | null;
  /** What a head reads. */
  readonly sentences: 1 | 2;
}

/** An opened model with all that is kept of it. */
export interface ModelSource {
  readonly family: ModelFamily;
  readonly weights: OpenedWeights;
  readonly head: ModelHead | null;
  readonly tokenizer: ModelTokenizer;
  /** Files that cut text, as they stand in the source. */
  readonly tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  /** Files that the model is made from. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
  readonly licence: string | null;
}

/** Of a model without a head; the data set that it is fine-tuned on decides. */
const CLASSES = 3;
/** What the book's loader uses, whatever its caller says (book.md 4). */
const BOOK_DROPOUT = 0.2;

/**
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for what is no such model, or a damaged one; USAGE for choices that do
 * not fit it
 */
export async function openModelSource(path: string, choices: SourceChoices): Promise<ModelSource> {
  if (!isFolder(path)) return bookSource(path, await openBookArchive(path, bookChoices(choices)), choices);
  if (existsSync(join(path, 'config.json'))) return await huggingFaceSource(path, choices);
  if (existsSync(join(path, BOOK_VOCABULARY)) && existsSync(join(path, BOOK_WEIGHTS)))
    return bookSource(path, await openBookFolder(path, bookChoices(choices)), choices);
  const message = `${path} holds no model: it has neither config.json nor ${BOOK_VOCABULARY} with ${BOOK_WEIGHTS}.`;
  throw new StudioError('NOT_FOUND', message, {
    nextStep: "Name the folder of a Hugging Face model with its weights, or the book's zip archive.",
    place: { file: path },
  });
}

const bookChoices = ({ heads, layers }: SourceChoices) => ({
  ...{ heads, layers },
  ...{ classes: CLASSES, dropout: BOOK_DROPOUT },
});

async function huggingFaceSource(path: string, choices: SourceChoices): Promise<ModelSource> {
  const tokenizer = openPairTokenizer(path);
  const weights = await openHuggingFaceFolder(path, { classes: CLASSES, meanings: choices.labels });
  try {
    requireHead(weights.head !== null, choices, path);
    requireRows(weights, tokenizer.size, path);
  } catch (thrown) {
    await weights.close();
    throw thrown;
  }
  const data = tokenizer.toData();
  return {
    family: weights.family,
    weights: { ...weights, notes: [...weights.notes, ...notesAboutRows(weights, tokenizer.size)] },
    head: headOf(weights.head === null ? null : weights.head.labels, weights, choices),
    tokenizer: {
      kind: data.kind,
      tokens: tokenizer.size,
      // The book lower-cases before it splits (book.md 2).
      lowercase: data.kind === 'words' || data.lowercase,
    },
    tokenizerFiles: tokenizer.files(),
    files: ['config.json', ...weightFilesIn(path)].map((name) => ({ name, path: join(path, name) })),
    licence: statedLicence(path),
  };
}

/** A head of the book's names no labels: they are the caller's, in the order of the file. */
function bookSource(path: string, weights: BookModel, choices: SourceChoices): ModelSource {
  const isArchive = !isFolder(path);
  requireHead(!weights.fresh.includes('output.weight'), choices, path);
  if (choices.labels !== null) requireNames(choices.labels, weights.model.classes, null);
  const order = choices.labels === null ? null : labelOrder(choices.labels);
  const read: OpenedWeights['read'] = async (name) => {
    const values = await weights.read(name);
    return order !== null && name.startsWith('output.') ? inOutputOrder(values, order.outputs) : values;
  };
  return {
    family: 'book',
    weights: { ...weights, read },
    head: headOf(order?.labels ?? null, weights, choices),
    // SNLIBERTDataset lower-cases before it splits (book.md 2).
    tokenizer: { kind: 'words', tokens: weights.vocabulary.size, lowercase: true },
    tokenizerFiles: new Map([[BOOK_VOCABULARY, Buffer.from(weights.vocabularyText)]]),
    files: isArchive
      ? [{ name: basename(path), path }]
      : [BOOK_VOCABULARY, BOOK_WEIGHTS].map((name) => ({ name, path: join(path, name) })),
    licence: isArchive ? null : statedLicence(path),
  };
}

function headOf(
  labels: readonly string[] | null,
  { model, fresh }: OpenedWeights,
  { sentences }: SourceChoices,
): ModelHead | null {
  if (fresh.includes('output.weight')) return null;
  return { labels, classes: model.classes, sentences: areOfInference(labels) ? 2 : sentences };
}

/** Inference is about pairs, whatever a person left out. */
function areOfInference(labels: readonly string[] | null): boolean {
  return labels?.every((label) => nliLabel(label) !== undefined) === true;
}

function requireHead(hasHead: boolean, { labels }: SourceChoices, path: string): void {
  if (hasHead || labels === null) return;
  throw new StudioError(
    'USAGE',
    `The model in ${path} has no head that classifies, so that labels mean nothing.`,
    {
      nextStep: 'Leave the labels out: fine-tuning gives it a head for the labels of its data set.',
    },
  );
}

/** Tables may have rows to spare, for the sake of a round number; they may not lack any. */
function requireRows({ model }: OpenedWeights, tokens: number, path: string): void {
  if (tokens <= model.vocabularySize) return;
  const message = `The tokenizer in ${path} has ${tokens} tokens, but the token table only ${model.vocabularySize} rows.`;
  throw new StudioError('BAD_FILE', message, {
    nextStep: 'Get the tokenizer and the weights of the same model.',
    place: { file: path },
  });
}

/** So many rows to spare are not for the sake of a round number. */
const SPARE_SHARE = 0.05;

/** A vocabulary that was cut off still opens, and reads every word that it lost as unknown. */
function notesAboutRows({ model: { vocabularySize } }: OpenedWeights, tokens: number): string[] {
  if (vocabularySize - tokens <= SPARE_SHARE * vocabularySize) return [];
  return [
    `Its tokenizer has ${tokens} tokens for a table of ${vocabularySize} rows: see that the vocabulary is whole.`,
  ];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (thrown) {
    throw readError(thrown, path);
  }
}
