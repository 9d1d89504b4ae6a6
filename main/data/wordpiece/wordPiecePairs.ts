/** @file Runs under Node. Pairs of raw texts as BERT reads them: `[CLS] premise [SEP] hypothesis [SEP]`, cut as the reference cuts. */
import { createHash } from 'node:crypto';
import type {
  LoosePair,
  PairTokenizer,
  PairTokens,
  PairToWrite,
  TokenizerData,
  WrittenPair,
} from '../pairTokenizer.ts';
import { type EncodingSettings, type KeptTokens, keptTokens } from '../truncation.ts';
import type { WordPieceTokenizer } from './wordPieceTokenizer.ts';

/**
 * How much of a pair is kept when both texts together may have at most `budget` (= maxLen - 3) tokens: the longer one
 * gives up tokens until they are equally long, then both do. Of an odd budget the longer one keeps one token more, the
 * hypothesis when they are equally long; the book's `longer-first` gives that token to the premise.
 */
export function keepLongestFirst(premise: number, hypothesis: number, budget: number): KeptTokens {
  if (premise + hypothesis <= budget) return { premise, hypothesis };
  const half = Math.floor(budget / 2);
  if (Math.min(premise, hypothesis) <= half) {
    return premise <= hypothesis
      ? { premise, hypothesis: budget - premise }
      : { premise: budget - hypothesis, hypothesis };
  }
  return premise > hypothesis
    ? { premise: budget - half, hypothesis: half }
    : { premise: half, hypothesis: budget - half };
}

/** What its files said beside the vocabulary, and the files themselves. */
export interface TokenizerOrigin {
  readonly maxLen: number | null;
  /** Name -> bytes as they came; empty writes new ones. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const NO_ORIGIN: TokenizerOrigin = { maxLen: null, files: new Map() };

export class WordPiecePairs implements PairTokenizer {
  readonly kind = 'wordpiece';
  readonly reads = 'raw';
  readonly tokenizer: WordPieceTokenizer;
  readonly #origin: TokenizerOrigin;
  #hash: string | null = null;

  constructor(tokenizer: WordPieceTokenizer, origin: TokenizerOrigin = NO_ORIGIN) {
    this.tokenizer = tokenizer;
    this.#origin = origin;
  }

  get size(): number {
    return this.tokenizer.vocabulary.size;
  }

  get maxLen(): number | null {
    return this.#origin.maxLen;
  }

  get hash(): string {
    const { lowercase, stripAccents } = this.tokenizer.settings;
    const rules = `wordpiece ${lowercase} ${stripAccents} ${this.tokenizer.vocabulary.hash}`;
    this.#hash ??= createHash('sha256').update(rules).digest('hex');
    return this.#hash;
  }

  textOf(raw: string): string {
    return raw;
  }

  write({ premise, hypothesis, ids, at: start }: PairToWrite, settings: EncodingSettings): WrittenPair {
    const { cls, sep } = this.tokenizer.vocabulary;
    const p = this.tokenizer.ids(premise);
    const h = hypothesis === null ? null : this.tokenizer.ids(hypothesis);
    const kept = keptPieces(p.length, h?.length ?? null, settings);
    let at = start;
    ids[at++] = cls;
    for (let piece = 0; piece < kept.premise; piece++) ids[at++] = p[piece]!;
    ids[at++] = sep;
    const segmentStart = at - start;
    if (h !== null) {
      for (let piece = 0; piece < kept.hypothesis; piece++) ids[at++] = h[piece]!;
      ids[at++] = sep;
    }
    const truncated = kept.premise < p.length || kept.hypothesis < (h?.length ?? 0);
    return { length: at - start, segmentStart, truncated };
  }

  show({ premise, hypothesis }: LoosePair, settings: EncodingSettings): PairTokens {
    const { tokens, cls, sep, unk } = this.tokenizer.vocabulary;
    const p = this.tokenizer.pieces(premise);
    const h = hypothesis === null ? null : this.tokenizer.pieces(hypothesis);
    const kept = keptPieces(p.length, h?.length ?? null, settings);
    const special = (id: number) => ({ token: tokens[id]!, word: '' });
    const shown = (pieces: typeof p, count: number) =>
      pieces
        .slice(0, count)
        .map(({ id, word }) => ({ token: tokens[id]!, word: id === unk ? word : tokens[id]! }));
    const first = [special(cls), ...shown(p, kept.premise), special(sep)];
    const second = h === null ? [] : [...shown(h, kept.hypothesis), special(sep)];
    return {
      tokens: [...first, ...second].map(({ token }) => token),
      words: [...first, ...second].map(({ word }) => word),
      segments: [...first.map(() => 0), ...second.map(() => 1)],
    };
  }

  toData(): TokenizerData {
    const { vocabulary, settings } = this.tokenizer;
    return { kind: 'wordpiece', tokens: vocabulary.tokens, ...settings };
  }

  files(): ReadonlyMap<string, Uint8Array> {
    if (this.#origin.files.size > 0) return this.#origin.files;
    const { vocabulary, settings } = this.tokenizer;
    const config = { do_lower_case: settings.lowercase, strip_accents: settings.stripAccents };
    return new Map([
      ['vocab.txt', Buffer.from(vocabulary.tokens.map((token) => `${token}\n`).join(''))],
      ['tokenizer_config.json', Buffer.from(`${JSON.stringify(config)}\n`)],
    ]);
  }
}

/** The book's exercise, a share to each, is the same for pieces; else what the reference calls `longest_first`. */
function keptPieces(premise: number, hypothesis: number | null, settings: EncodingSettings): KeptTokens {
  if (hypothesis === null || settings.truncation !== 'longer-first')
    return keptTokens(premise, hypothesis, settings);
  return keepLongestFirst(premise, hypothesis, settings.maxLen - 3);
}
