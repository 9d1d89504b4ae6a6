/**
 * @file Benchmarks. What is trained: the book's sizes and two larger networks, and pairs to train on: real ones from
 * ../shared where they lie beside the checkout, else random ones as long as SNLI's.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochOrder } from '../../main/data/batches.ts';
import { openCache } from '../../main/data/cache.ts';
import { encodeSplit } from '../../main/data/encodedSplits.ts';
import type { EncodedSplit } from '../../main/data/encoding.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { vocabularyOf } from '../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { PhiloxSequence } from '../../main/model/philox.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { missingShared, sharedPath } from '../support/sharedData.ts';
import { bookHyperparameters, CLASSES, MODELS, VOCABULARY_SIZE } from './models.ts';

interface Work {
  readonly model: ModelConfig;
  readonly pairs: number;
  /** The same sizes in the peer's words. */
  readonly peerWords: readonly string[];
}

export const WORKS = {
  book: { model: MODELS.book, pairs: 512, peerWords: [] },
  minilm: {
    model: MODELS.minilm,
    pairs: 64,
    peerWords: words({ layers: 6, hidden: 384, ffn: 1536, heads: 12, vocab: 30_522, pairs: 64 }),
  },
  base: {
    model: MODELS.base,
    pairs: 32,
    peerWords: words({ layers: 12, hidden: 768, ffn: 3072, heads: 12, vocab: 30_522, pairs: 32 }),
  },
} as const satisfies Record<string, Work>;
export type WorkName = keyof typeof WORKS;

function words(sizes: Readonly<Record<string, number>>): string[] {
  return [
    ...Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    '--gelu',
    '--embedding-norm',
  ];
}

/** One pair of a batch file, as the peer reads it. */
interface FilePair {
  readonly tokens: readonly number[];
  readonly segments: readonly number[];
  readonly label: number;
}

interface WrittenBatch {
  readonly what: 'SNLI' | 'random pairs';
  readonly tokens: number;
}

/** Writes the first pairs of an epoch of real SNLI where it is at hand, else random ones. */
export async function writeBatch(path: string, pairs: number): Promise<WrittenBatch> {
  const isReal = missingShared('data', 'snli_1.0') === null;
  const split = isReal ? await snliPairs() : randomPairs(pairs, 1);
  const members = isReal
    ? epochOrder(split.pairs, 0, 0).subarray(0, pairs)
    : Int32Array.from({ length: pairs }, (_, at) => at);
  return { what: isReal ? 'SNLI' : 'random pairs', tokens: writePairs(path, split, members) };
}

/** Writes random pairs that all have `length` tokens. */
export function writeEvenBatch(path: string, pairs: number, length: number): void {
  const everyone = Int32Array.from({ length: pairs }, (_, at) => at);
  writePairs(
    path,
    randomSplit(pairs, 1, () => ({ premise: (length >> 1) - 2, length })),
    everyone,
  );
}

/** -> how many tokens they have */
function writePairs(path: string, split: EncodedSplit, members: Int32Array): number {
  const rows = Array.from(members, (member): FilePair => {
    const tokens = split.ids.subarray(split.offsets[member], split.offsets[member + 1]);
    const segments = Array.from(tokens, (_, at) => (at < split.segmentStarts[member]! ? 0 : 1));
    return { tokens: [...tokens], segments, label: split.labels[member]! };
  });
  writeFileSync(path, JSON.stringify(rows));
  return rows.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

/** A batch file's pairs, as our own programs take them. */
export function pairsOfFile(rows: readonly FilePair[]): EncodedSplit {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach(({ tokens }, pair) => {
    offsets[pair + 1] = offsets[pair]! + tokens.length;
  });
  return {
    pairs: rows.length,
    ids: Int32Array.from(rows.flatMap(({ tokens }) => tokens)),
    offsets,
    segmentStarts: Int32Array.from(rows, ({ segments }) => segments.indexOf(1)),
    labels: Int32Array.from(rows, ({ label }) => label),
    truncatedPairs: 0,
  };
}

/** The training split, with the vocabulary of words that it has at least twice. */
async function snliPairs(): Promise<EncodedSplit> {
  const folder = mkdtempSync(join(tmpdir(), 'entail-bench-'));
  const cache = openCache(join(folder, 'cache.db'));
  try {
    const dataset = await importDataset(cache, { path: sharedPath('data', 'snli_1.0'), name: 'snli' });
    const { maxLen, truncation, workers, minFreq } = bookHyperparameters();
    const tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, minFreq));
    return await encodeSplit(cache, { dataset, split: 'train', tokenizer, maxLen, truncation, workers });
  } finally {
    cache.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, Math.round(value)));

/** Random tokens; lengths of both sentences as the PyTorch peer draws them: 14.1 ± 6 and 8.3 ± 3.2, and 3 special ones. */
export function randomPairs(pairs: number, seed: number): EncodedSplit {
  return randomSplit(pairs, seed, (sequence) => {
    const premise = clamp(14.1 + 6 * sequence.nextNormal(), 3, 60);
    const hypothesis = clamp(8.3 + 3.2 * sequence.nextNormal(), 2, 30);
    return { premise, length: premise + hypothesis + 3 };
  });
}

/** `draw`: words of the premise and tokens of the pair. */
function randomSplit(
  pairs: number,
  seed: number,
  draw: (sequence: PhiloxSequence) => { readonly premise: number; readonly length: number },
): EncodedSplit {
  const sequence = new PhiloxSequence(seed, 0x62656e63);
  const offsets = new Int32Array(pairs + 1);
  const segmentStarts = new Int32Array(pairs);
  for (let pair = 0; pair < pairs; pair++) {
    const { premise, length } = draw(sequence);
    segmentStarts[pair] = premise + 2;
    offsets[pair + 1] = offsets[pair]! + length;
  }
  const ids = Int32Array.from({ length: offsets[pairs]! }, () => sequence.nextBelow(VOCABULARY_SIZE));
  const labels = Int32Array.from({ length: pairs }, () => sequence.nextBelow(CLASSES));
  return { pairs, ids, offsets, segmentStarts, labels, truncatedPairs: 0 };
}
