/** @file Runs anywhere under Node. The book's vocabulary: a list of tokens, looked up by token, never by an assumed number. */
import { createHash } from 'node:crypto';
import { StudioError } from '../../shared/errors.ts';
import type { Cache } from './cacheConnection.ts';
import { readWordCounts } from './wordCounts.ts';
import { compareCodePoints } from './words.ts';

const UNKNOWN = '<unk>';
const RESERVED = ['<pad>', '<mask>', '<cls>', '<sep>'] as const;

/** Tokens and their indices. The special tokens stand wherever the sorting put them. */
export class Vocabulary {
  readonly tokens: readonly string[];
  readonly unk: number;
  readonly pad: number;
  readonly mask: number;
  readonly cls: number;
  readonly sep: number;
  readonly #indices: ReadonlyMap<string, number>;
  #hash: string | null = null;

  /**
   * @param tokens unique strings; a token's place is its index.
   * @param source where they come from, for messages: a file's name, or words such as "the training split".
   * @throws StudioError BAD_FILE when a special token is missing or a token stands twice.
   */
  constructor(tokens: readonly string[], source: string) {
    const indices = new Map<string, number>();
    for (const [index, token] of tokens.entries()) {
      const earlier = indices.get(token);
      if (earlier !== undefined) throw twice(token, [earlier, index], source);
      indices.set(token, index);
    }
    const missing = [UNKNOWN, ...RESERVED].filter((token) => !indices.has(token));
    if (missing.length > 0) throw specialsMissing(missing, source);
    this.tokens = tokens;
    this.#indices = indices;
    this.unk = indices.get(UNKNOWN)!;
    this.pad = indices.get('<pad>')!;
    this.mask = indices.get('<mask>')!;
    this.cls = indices.get('<cls>')!;
    this.sep = indices.get('<sep>')!;
  }

  get size(): number {
    return this.tokens.length;
  }

  /** SHA-256 (hex) of the JSON array of tokens: the text that a checkpoint keeps as vocab.json. */
  get hash(): string {
    this.#hash ??= createHash('sha256').update(this.toJson()).digest('hex');
    return this.#hash;
  }

  /** The index of a token; that of `<unk>` for a token that is not in the vocabulary. */
  index(token: string): number {
    return this.#indices.get(token) ?? this.unk;
  }

  has(token: string): boolean {
    return this.#indices.has(token);
  }

  /** A plain JSON array, `idx_to_token`: the book's vocab.json. */
  toJson(): string {
    return JSON.stringify(this.tokens);
  }
}

/**
 * The book's `Vocab`: sorted(set(['<unk>'] + reserved + tokens seen at least `minFreq` times)), in code-point order.
 * @param counts occurrences of each lower-cased word.
 */
export function buildVocabulary(counts: ReadonlyMap<string, number>, minFreq: number): Vocabulary {
  const kept = new Set<string>([UNKNOWN, ...RESERVED]);
  for (const [word, count] of counts) if (count >= minFreq) kept.add(word);
  return new Vocabulary([...kept].sort(compareCodePoints), 'the training split');
}

/**
 * Reads a vocab.json: a JSON array of unique strings that holds the five special tokens.
 * @throws StudioError BAD_FILE saying what is wrong with `source`.
 */
export function vocabularyFromJson(text: string, { source }: { source: string }): Vocabulary {
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (cause) {
    throw badVocabulary(`The vocabulary ${source} is not JSON: ${(cause as Error).message}.`, source, cause);
  }
  if (!Array.isArray(value)) throw badVocabulary(`The vocabulary ${source} is not a JSON array.`, source);
  const tokens: readonly unknown[] = value;
  const odd = tokens.findIndex((token) => typeof token !== 'string');
  if (odd >= 0) {
    throw badVocabulary(`Entry ${odd} (counted from 0) of the vocabulary ${source} is not a string.`, source);
  }
  return new Vocabulary(tokens as readonly string[], source);
}

/**
 * The vocabulary of a data set's training split, from the word counts that its import stored.
 * @throws StudioError NOT_FOUND when the data set has no training split.
 */
export function vocabularyOf(cache: Cache, datasetId: number, minFreq: number): Vocabulary {
  const counts = readWordCounts(cache, datasetId, 'train');
  if (counts !== null) return buildVocabulary(counts, minFreq);
  throw new StudioError('NOT_FOUND', 'The data set has no training split to build a vocabulary from.', {
    nextStep: 'Import the training file too, or give a vocabulary of your own.',
  });
}

function badVocabulary(message: string, source: string, cause?: unknown): StudioError {
  return new StudioError('BAD_FILE', message, {
    nextStep: 'A vocabulary is a JSON array of unique strings, as in the book: ["!", "<cls>", "<mask>", …].',
    place: { file: source },
    cause,
  });
}

function specialsMissing(missing: readonly string[], source: string): StudioError {
  const message = `The vocabulary ${source} lacks ${missing.join(', ')}.`;
  return new StudioError('BAD_FILE', message, {
    nextStep: `Every vocabulary needs the special tokens ${[UNKNOWN, ...RESERVED].join(' ')}, spelt exactly so.`,
    place: { file: source },
  });
}

function twice(token: string, places: readonly [number, number], source: string): StudioError {
  const where = `entries ${places[0]} and ${places[1]}, counted from 0`;
  return badVocabulary(`The vocabulary ${source} holds ${JSON.stringify(token)} twice (${where}).`, source);
}
