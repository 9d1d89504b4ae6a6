/** @file Runs anywhere under Node. How examples lie in cache.db: blocks of 512, a JSON array for each column. */
import { crc32 } from 'node:zlib';
import { type Example, type Sentence, SPLITS, type Split } from '../../shared/datasets.ts';
import type { Cache } from './cacheConnection.ts';
import { corruptCache } from './cacheErrors.ts';
import type { SentenceForm } from './pairTokenizer.ts';

/**
 * Examples in one row of the table: a row each would make half a million inserts, and this many are still parsed
 * in well under a millisecond when a page shows five of them.
 */
export const BLOCK_EXAMPLES = 512;

/** An example before its place is known. */
export interface PairText {
  readonly premise: Sentence;
  readonly hypothesis: Sentence | null;
  readonly label: number;
}

/** Collects the examples of one split and stores them block by block. Call `flush` at the end. */
export class BlockWriter {
  readonly #cache: Cache;
  readonly #datasetId: number;
  readonly #splitNumber: number;
  #block = 0;
  #pending: PairText[] = [];
  #sizeBytes = 0;

  constructor(cache: Cache, datasetId: number, splitNumber: number) {
    this.#cache = cache;
    this.#datasetId = datasetId;
    this.#splitNumber = splitNumber;
  }

  /** Bytes of text and labels stored so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(pair: PairText): void {
    this.#pending.push(pair);
    if (this.#pending.length === BLOCK_EXAMPLES) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const pairs = this.#pending;
    const single = pairs[0]!.hypothesis === null;
    const texts = [
      JSON.stringify(pairs.map((pair) => pair.premise.tokens)),
      single ? null : JSON.stringify(pairs.map((pair) => pair.hypothesis?.tokens ?? '')),
      JSON.stringify(pairs.map((pair) => pair.premise.raw)),
      single ? null : JSON.stringify(pairs.map((pair) => pair.hypothesis?.raw ?? '')),
    ];
    const labels = Uint8Array.from(pairs, (pair) => pair.label);
    this.#cache.guard(() =>
      this.#cache.database
        .prepare('INSERT INTO example_blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(this.#datasetId, this.#splitNumber, this.#block, labels, ...texts, checksum(labels, texts)),
    );
    this.#sizeBytes += texts.reduce(
      (sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)),
      labels.length,
    );
    this.#block += 1;
    this.#pending = [];
  }
}

interface BlockRow {
  readonly labels: Buffer;
  readonly premise_tokens: string;
  readonly hypothesis_tokens: string | null;
  readonly premise_raw: string;
  readonly hypothesis_raw: string | null;
  readonly crc32: number;
}

/** Over the labels and the columns in their order: SQLite does not notice a flipped bit inside a value. */
function checksum(labels: Uint8Array, texts: readonly (string | null)[]): number {
  return texts.reduce((sum, text) => (text === null ? sum : crc32(text, sum)), crc32(labels));
}

/** The examples of one block, whole; an empty array when there is no such block. */
export function readBlock(cache: Cache, datasetId: number, splitNumber: number, block: number): PairText[] {
  const row = selectBlock(cache)(datasetId, splitNumber, block);
  if (row === undefined) return [];
  const count = row.labels.length;
  const premiseTokens = parseColumn(cache, row.premise_tokens, count);
  const premiseRaw = parseColumn(cache, row.premise_raw, count);
  const hypothesisTokens =
    row.hypothesis_tokens === null ? null : parseColumn(cache, row.hypothesis_tokens, count);
  const hypothesisRaw = row.hypothesis_raw === null ? null : parseColumn(cache, row.hypothesis_raw, count);
  return Array.from(row.labels, (label, at) => ({
    premise: { raw: premiseRaw[at]!, tokens: premiseTokens[at]! },
    hypothesis:
      hypothesisTokens === null || hypothesisRaw === null
        ? null
        : { raw: hypothesisRaw[at]!, tokens: hypothesisTokens[at]! },
    label,
  }));
}

/** What encoding needs of a block: one form of its sentences, and labels. */
export interface BlockTexts {
  readonly labels: Uint8Array;
  readonly premises: readonly string[];
  readonly hypotheses: readonly string[] | null;
}

/** The blocks `from` to `to` (exclusive) of a split, in order, one at a time. */
export function* readBlockTexts(
  cache: Cache,
  place: { datasetId: number; splitNumber: number; form: SentenceForm },
  from: number,
  to: number,
): Generator<BlockTexts> {
  const select = selectBlock(cache);
  for (let block = from; block < to; block++) {
    const row = select(place.datasetId, place.splitNumber, block);
    if (row === undefined)
      throw corruptCache(cache.path, `block ${block} of data set ${place.datasetId} is missing`);
    const count = row.labels.length;
    const [premises, hypotheses] =
      place.form === 'tokens'
        ? [row.premise_tokens, row.hypothesis_tokens]
        : [row.premise_raw, row.hypothesis_raw];
    yield {
      labels: row.labels,
      premises: parseColumn(cache, premises, count),
      hypotheses: hypotheses === null ? null : parseColumn(cache, hypotheses, count),
    };
  }
}

/** Number of blocks that a split of so many examples has. */
export function blockCount(examples: number): number {
  return Math.ceil(examples / BLOCK_EXAMPLES);
}

/** Examples `from` to `from + count - 1` of a split, as far as there are any. */
export function readExamples(
  cache: Cache,
  datasetId: number,
  split: Split,
  { from, count }: { from: number; count: number },
): Example[] {
  const examples: Example[] = [];
  const start = Math.max(0, from);
  const end = start + Math.max(0, count);
  for (let block = Math.floor(start / BLOCK_EXAMPLES); block * BLOCK_EXAMPLES < end; block++) {
    const pairs = readBlock(cache, datasetId, SPLITS.indexOf(split), block);
    if (pairs.length === 0) break;
    for (const [at, pair] of pairs.entries()) {
      const index = block * BLOCK_EXAMPLES + at;
      if (index >= start && index < end) examples.push({ split, index, ...pair });
    }
  }
  return examples;
}

/** Reads one block and compares its checksum. */
function selectBlock(
  cache: Cache,
): (datasetId: number, splitNumber: number, block: number) => BlockRow | undefined {
  const columns = 'labels, premise_tokens, hypothesis_tokens, premise_raw, hypothesis_raw, crc32';
  const statement = cache.guard(() =>
    cache.database.prepare<unknown[], BlockRow>(
      `SELECT ${columns} FROM example_blocks WHERE dataset_id = ? AND split = ? AND block = ?`,
    ),
  );
  return (datasetId, splitNumber, block) => {
    const row = cache.guard(() => statement.get(datasetId, splitNumber, block));
    if (row === undefined) return undefined;
    const texts = [row.premise_tokens, row.hypothesis_tokens, row.premise_raw, row.hypothesis_raw];
    if (checksum(row.labels, texts) === row.crc32) return row;
    throw corruptCache(cache.path, `the checksum of block ${block} of data set ${datasetId} is wrong`);
  };
}

/** A column as it was stored: a JSON array of `count` strings. Anything else is damage that SQLite cannot see. */
function parseColumn(cache: Cache, text: string, count: number): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corruptCache(cache.path, 'a block of examples is not JSON', cause);
  }
  if (!Array.isArray(value) || value.length !== count) {
    throw corruptCache(cache.path, `a block holds ${count} labels and another number of sentences`);
  }
  return value as string[];
}
