/** @file Runs under Node. BERT's vocabulary: words and pieces of words, looked up by text, special tokens by name. */
import { createHash } from 'node:crypto';
import { StudioError } from '../../../shared/errors.ts';

export const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;
export type SpecialToken = (typeof SPECIAL_TOKENS)[number];

/** What a piece is written with that continues a word: "play", "##ing". */
export const CONTINUATION = '##';
/** Only pretraining has a use for it, so a vocabulary may lack it. */
const OPTIONAL: SpecialToken = '[MASK]';

/** Tokens and their ids: a token's place is its id. */
export class WordPieceVocabulary {
  readonly tokens: readonly string[];
  readonly pad: number;
  readonly unk: number;
  readonly cls: number;
  readonly sep: number;
  /** null when the vocabulary has no [MASK]. */
  readonly mask: number | null;
  /** Length of the longest piece that continues a word, without "##", in UTF-16 units. */
  readonly longestContinuation: number;
  /** Length of the longest token, in UTF-16 units. */
  readonly longestToken: number;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #continuations: ReadonlyMap<string, number>;
  #hash: string | null = null;

  /**
   * @param tokens unique strings, the special tokens wherever they stand.
   * @param source the file that they come from, for messages.
   * @throws StudioError BAD_FILE when a special token is missing or a token stands twice.
   */
  constructor(tokens: readonly string[], source: string) {
    const ids = new Map<string, number>();
    const continuations = new Map<string, number>();
    for (const [id, token] of tokens.entries()) {
      const earlier = ids.get(token);
      if (earlier !== undefined) throw twice(token, [earlier, id], source);
      ids.set(token, id);
      if (token.startsWith(CONTINUATION)) continuations.set(token.slice(CONTINUATION.length), id);
    }
    const missing = SPECIAL_TOKENS.filter((token) => token !== OPTIONAL && !ids.has(token));
    if (missing.length > 0) throw specialsMissing(missing, source);
    this.tokens = tokens;
    this.#ids = ids;
    this.#continuations = continuations;
    this.pad = ids.get('[PAD]')!;
    this.unk = ids.get('[UNK]')!;
    this.cls = ids.get('[CLS]')!;
    this.sep = ids.get('[SEP]')!;
    this.mask = ids.get(OPTIONAL) ?? null;
    this.longestToken = longest(ids.keys());
    this.longestContinuation = longest(continuations.keys());
  }

  get size(): number {
    return this.tokens.length;
  }

  /** SHA-256 (hex) of the JSON array of tokens. */
  get hash(): string {
    this.#hash ??= createHash('sha256').update(JSON.stringify(this.tokens)).digest('hex');
    return this.#hash;
  }

  /** The id of a token as it stands in the vocabulary; undefined when it does not. */
  id(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The id of "##" + `piece`. */
  continuationId(piece: string): number | undefined {
    return this.#continuations.get(piece);
  }
}

function longest(texts: Iterable<string>): number {
  let length = 0;
  for (const text of texts) length = Math.max(length, text.length);
  return length;
}

function specialsMissing(missing: readonly string[], source: string): StudioError {
  return new StudioError('BAD_FILE', `The vocabulary in ${source} lacks ${missing.join(', ')}.`, {
    nextStep: "BERT's vocabulary has the special tokens [PAD] [UNK] [CLS] [SEP], spelt exactly so.",
    place: { file: source },
  });
}

function twice(token: string, places: readonly [number, number], source: string): StudioError {
  const where = `ids ${places[0]} and ${places[1]}, counted from 0`;
  const message = `The vocabulary in ${source} holds ${JSON.stringify(token)} twice (${where}).`;
  return new StudioError('BAD_FILE', message, {
    nextStep: 'A token has one id: get the file again from where the model comes from.',
    place: { file: source },
  });
}
