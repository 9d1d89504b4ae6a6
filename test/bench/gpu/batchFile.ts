/**
 * @file Benchmarks. Batches that every program reads from one file: made-up pairs as long as SNLI's, words as frequent as
 * Zipf has them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { EncodedSplit } from '../../../main/data/encoding.ts';
import { PhiloxSequence } from '../../../main/model/philox.ts';
import { SIZES, type SizeName } from './sizes.ts';

/** Ids of the vocabulary's special words, as an encoded pair has them. */
const [CLS, SEP, FIRST_WORD] = [2, 3, 5];

interface FileBatch {
  /** Token ids of all pairs, one after another. */
  readonly ids: readonly number[];
  /** Tokens of each pair. */
  readonly lengths: readonly number[];
  /** How many leading tokens of each pair have segment 0. */
  readonly segmentStarts: readonly number[];
  readonly labels: readonly number[];
}

export function writeBatches(path: string, name: SizeName): void {
  const batches = Array.from({ length: SIZES[name].batches }, (_, batch) => makeBatch(name, batch));
  writeFileSync(path, JSON.stringify({ batches }));
}

export function readBatches(path: string): EncodedSplit[] {
  const { batches } = JSON.parse(readFileSync(path, 'utf8')) as { batches: FileBatch[] };
  return batches.map(({ ids, lengths, segmentStarts, labels }) => {
    const offsets = new Int32Array(lengths.length + 1);
    lengths.forEach((length, pair) => {
      offsets[pair + 1] = offsets[pair]! + length;
    });
    return {
      ...{ pairs: lengths.length, ids: Int32Array.from(ids), offsets },
      segmentStarts: Int32Array.from(segmentStarts),
      labels: Int32Array.from(labels),
      truncatedPairs: 0,
    };
  });
}

function makeBatch(name: SizeName, batch: number): FileBatch {
  const { model, pairs } = SIZES[name];
  const random = new PhiloxSequence(batch, 0x67707562);
  const words = (count: number) =>
    Array.from({ length: count }, () => zipfWord(random.nextUniform(), model.vocabularySize));
  const [ids, lengths, segmentStarts, labels]: number[][] = [[], [], [], []];
  for (let pair = 0; pair < pairs; pair++) {
    const premise = words(between(14.1 + 6 * random.nextNormal(), 3, 60));
    const hypothesis = words(between(8.3 + 3.2 * random.nextNormal(), 2, 30));
    const tokens = [CLS, ...premise, SEP, ...hypothesis, SEP];
    ids!.push(...tokens);
    lengths!.push(tokens.length);
    segmentStarts!.push(premise.length + 2);
    labels!.push(random.nextBelow(model.classes));
  }
  return { ids: ids!, lengths: lengths!, segmentStarts: segmentStarts!, labels: labels! };
}

/** The word of rank r comes about 1/r as often as the first. */
function zipfWord(uniform: number, vocabularySize: number): number {
  const words = vocabularySize - FIRST_WORD;
  return FIRST_WORD + Math.min(words - 1, Math.floor(words ** uniform) - 1);
}

const between = (value: number, low: number, high: number) =>
  Math.min(high, Math.max(low, Math.round(value)));
