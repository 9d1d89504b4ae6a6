/** @file Runs anywhere under Node. A text as token ids: paragraphs of sentences, one after another in one array. */
import type { Vocabulary } from '../vocabulary.ts';
import type { Paragraph } from './sentences.ts';

export interface EncodedText {
  /** Token ids of all sentences. */
  readonly ids: Int32Array;
  /** Sentence i is ids[sentenceOffsets[i]] to ids[sentenceOffsets[i + 1] - 1]. */
  readonly sentenceOffsets: Int32Array;
  /** Paragraph i has the sentences paragraphOffsets[i] to paragraphOffsets[i + 1] - 1; none is empty. */
  readonly paragraphOffsets: Int32Array;
}

export function encodeText(paragraphs: readonly Paragraph[], vocabulary: Vocabulary): EncodedText {
  const offsets = textOffsets(paragraphs);
  const ids = new Int32Array(offsets.sentenceOffsets.at(-1)!);
  let at = 0;
  for (const paragraph of paragraphs)
    for (const words of paragraph) for (const word of words) ids[at++] = vocabulary.index(word);
  return { ...offsets, ids };
}

/** Where sentences and paragraphs stand, without ids: enough to count pairs. */
export function textOffsets(paragraphs: readonly Paragraph[]): EncodedText {
  return {
    ids: new Int32Array(0),
    sentenceOffsets: offsetsOf(paragraphs.flatMap((paragraph) => paragraph.map((words) => words.length))),
    paragraphOffsets: offsetsOf(paragraphs.map((paragraph) => paragraph.length)),
  };
}

/** How often each word occurs: what a vocabulary is built from. */
export function countWords(paragraphs: readonly Paragraph[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const paragraph of paragraphs)
    for (const sentence of paragraph)
      for (const word of sentence) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** The first sentence of each adjacent pair: all but the last of every paragraph. */
export function adjacentPairs({ paragraphOffsets }: Pick<EncodedText, 'paragraphOffsets'>): Int32Array {
  const firsts = new Int32Array(paragraphOffsets.at(-1)! - (paragraphOffsets.length - 1));
  let pair = 0;
  for (let paragraph = 0; paragraph + 1 < paragraphOffsets.length; paragraph++) {
    const end = paragraphOffsets[paragraph + 1]! - 1;
    for (let sentence = paragraphOffsets[paragraph]!; sentence < end; sentence++) firsts[pair++] = sentence;
  }
  return firsts;
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, at) => {
    offsets[at + 1] = offsets[at]! + length;
  });
  return offsets;
}
