/** @file Runs anywhere under Node. The book's tokenizer: lower-cased words of a tokenised sentence, looked up in its vocabulary. */
import type {
  LoosePair,
  PairTokenizer,
  PairTokens,
  PairToWrite,
  TokenizerData,
  WrittenPair,
} from './pairTokenizer.ts';
import { tokenizeTreebank } from './treebankTokenizer.ts';
import { type EncodingSettings, keptTokens } from './truncation.ts';
import type { Vocabulary } from './vocabulary.ts';
import { lowerWords } from './words.ts';
import { wordTokens } from './wordTokens.ts';

/** In a folder of a run, a checkpoint or a model. */
export const VOCABULARY_FILE = 'vocab.json';

export class WordsTokenizer implements PairTokenizer {
  readonly kind = 'words';
  readonly reads = 'tokens';
  readonly maxLen = null;
  readonly vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  get size(): number {
    return this.vocabulary.size;
  }

  get hash(): string {
    return this.vocabulary.hash;
  }

  /** Penn Treebank tokens, as SNLI's parses have them. */
  textOf(raw: string): string {
    return tokenizeTreebank(raw);
  }

  /** `<cls> premise <sep> hypothesis <sep>`, as the book packs a pair. */
  write({ premise, hypothesis, ids, at: start }: PairToWrite, settings: EncodingSettings): WrittenPair {
    const { vocabulary } = this;
    const p = lowerWords(premise);
    const h = hypothesis === null ? null : lowerWords(hypothesis);
    const kept = keptTokens(p.length, h?.length ?? null, settings);
    let at = start;
    ids[at++] = vocabulary.cls;
    for (let word = 0; word < kept.premise; word++) ids[at++] = vocabulary.index(p[word]!);
    ids[at++] = vocabulary.sep;
    const segmentStart = at - start;
    if (h !== null) {
      for (let word = 0; word < kept.hypothesis; word++) ids[at++] = vocabulary.index(h[word]!);
      ids[at++] = vocabulary.sep;
    }
    const truncated = kept.premise < p.length || kept.hypothesis < (h?.length ?? 0);
    return { length: at - start, segmentStart, truncated };
  }

  show(pair: LoosePair, settings: EncodingSettings): PairTokens {
    return wordTokens(pair, this.vocabulary, settings);
  }

  toData(): TokenizerData {
    return { kind: 'words', tokens: this.vocabulary.tokens };
  }

  files(): ReadonlyMap<string, Uint8Array> {
    return new Map([[VOCABULARY_FILE, Buffer.from(this.vocabulary.toJson())]]);
  }
}
