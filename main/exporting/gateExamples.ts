/**
 * @file Runs in the exporting child. The examples on which answers are compared: rows of the run's own data, spread over
 * the split, and among them the shortest, the longest, one without hypothesis and one beyond ASCII.
 */
import type { Example, Sentence } from '../../shared/datasets.ts';
import { openCache } from '../data/cache.ts';
import { type EncodedSplit, PairEncoder } from '../data/encoding.ts';
import { BLOCK_EXAMPLES, readExamples } from '../data/exampleBlocks.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { tokenizeTreebank } from '../data/treebankTokenizer.ts';
import type { EncodingSettings } from '../data/truncation.ts';
import type { GateData } from './job.ts';

/** Pairs whose every logit is compared, in two sizes of batches. */
export const NUMBER_PAIRS = 256;
/** Rows whose answers are compared. */
export const AGREEMENT_ROWS = 10_000;
/** Beyond ASCII in several ways: accents, CJK, right to left, an emoji of two code points. */
const NON_ASCII_TEXT = 'Ein Mädchen trägt ein grünes Kleid – 漢字, שלום, naïve café 👩‍🚀.';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
const NON_ASCII = /[^\u0000-\u007f]/;

export interface GateExamples {
  readonly encoded: EncodedSplit;
  /** Place in the split of each pair; -1 for one that was made. */
  readonly indices: Int32Array;
  /** Raw sentences of the rows, some of them, for the tokenizer's round trip. */
  readonly sentences: readonly string[];
  /** Pairs whose logits are compared, as places in `encoded`. */
  readonly numberPairs: readonly number[];
  /** Rows whose answers are compared, likewise. */
  readonly agreementRows: readonly number[];
  readonly emptyPairs: number;
  readonly nonAsciiPairs: number;
}

const SENTENCES = 1000;

/** How the model reads text. */
export interface GateText {
  readonly tokenizer: PairTokenizer;
  readonly settings: EncodingSettings;
  readonly sentencesPerExample: 1 | 2;
}

/** Reads and encodes them. @throws StudioError DATABASE_CORRUPT. */
export function gateExamples(data: GateData, text: GateText): GateExamples {
  const rows = readRows(data);
  const made = madeExamples(rows, text.sentencesPerExample);
  const encoded = encodeExamples([...rows, ...made], text);
  const madeMembers = made.map((_, at) => rows.length + at);
  const numberPairs = [...numberMembers(rows, encoded), ...madeMembers];
  const chosen = numberPairs.map((member) => rows[member] ?? made[member - rows.length]!);
  return {
    encoded,
    indices: Int32Array.from([...rows.map(({ index }) => index), ...made.map(() => -1)]),
    sentences: sentencesOf(rows, made),
    numberPairs,
    agreementRows: rows.map((_, member) => member),
    emptyPairs: chosen.filter(isEmpty).length,
    nonAsciiPairs: chosen.filter(isNonAscii).length,
  };
}

/** All of the split, or as many as are compared, evenly spread. */
function readRows({ cachePath, datasetId, split, rows }: GateData): Example[] {
  const cache = openCache(cachePath, { readOnly: true });
  try {
    const count = Math.min(rows, AGREEMENT_ROWS);
    const wanted = Array.from({ length: count }, (_, at) => Math.floor((at * rows) / count));
    const examples: Example[] = [];
    for (const [block, indices] of Map.groupBy(wanted, (index) => Math.floor(index / BLOCK_EXAMPLES))) {
      const from = block * BLOCK_EXAMPLES;
      const read = readExamples(cache, datasetId, split, { from, count: BLOCK_EXAMPLES });
      for (const index of indices) if (read[index - from] !== undefined) examples.push(read[index - from]!);
    }
    return examples;
  } finally {
    cache.close();
  }
}

/** The two hard cases, where no row of the data is one. */
function madeExamples(rows: readonly Example[], sentencesPerExample: 1 | 2): Example[] {
  const [first] = rows;
  const premise = first?.premise ?? sentence('A man sleeps.');
  const make = (one: Sentence, other: Sentence): Example => ({
    ...{ split: 'test', index: -1, label: 0, premise: one },
    hypothesis: sentencesPerExample === 2 ? other : null,
  });
  const empty = sentence('');
  return [
    ...(rows.some(isEmpty) ? [] : [make(sentencesPerExample === 2 ? premise : empty, empty)]),
    ...(rows.some(isNonAscii) ? [] : [make(sentence(NON_ASCII_TEXT), sentence(NON_ASCII_TEXT))]),
  ];
}

const sentence = (raw: string): Sentence => ({ raw, tokens: tokenizeTreebank(raw) });
const isEmpty = ({ premise, hypothesis }: Example) => (hypothesis ?? premise).tokens.trim() === '';
const isNonAscii = ({ premise, hypothesis }: Example) =>
  NON_ASCII.test(premise.raw + (hypothesis?.raw ?? ''));

/** Evenly spread, with the extremes and the hard cases among them. */
function numberMembers(rows: readonly Example[], { offsets }: EncodedSplit): number[] {
  const lengthOf = (member: number) => offsets[member + 1]! - offsets[member]!;
  const members = rows.map((_, member) => member);
  const byLength = members.toSorted((one, other) => lengthOf(one) - lengthOf(other));
  const special = [byLength[0], byLength.at(-1), rows.findIndex(isEmpty), rows.findIndex(isNonAscii)];
  const chosen = new Set(special.filter((member) => member !== undefined && member >= 0) as number[]);
  const wanted = Math.min(NUMBER_PAIRS, members.length);
  for (let at = 0; at < members.length && chosen.size < wanted; at++)
    chosen.add(Math.floor((at * members.length) / wanted) % members.length);
  for (let member = 0; chosen.size < wanted; member++) chosen.add(member);
  return [...chosen].sort((one, other) => one - other);
}

function sentencesOf(rows: readonly Example[], made: readonly Example[]): string[] {
  const sentences = new Set<string>();
  for (const { premise, hypothesis } of [...made, ...rows]) {
    for (const one of [premise, hypothesis])
      if (one !== null && sentences.size < SENTENCES) sentences.add(one.raw);
  }
  return [...sentences];
}

/** As `encodeSplit` does it, for these examples only. */
function encodeExamples(examples: readonly Example[], { tokenizer, settings }: GateText): EncodedSplit {
  const encoder = new PairEncoder(tokenizer, settings);
  for (const { premise, hypothesis, label } of examples)
    encoder.add(premise[tokenizer.reads], hypothesis?.[tokenizer.reads] ?? null, label);
  return encoder.take();
}
