/** @file Tests. WordPiece against the reference on real sentences, under BERT's own vocabulary. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodePair } from '../../../../main/data/encoding.ts';
import { parseVocabTxt } from '../../../../main/data/wordpiece/vocabTxt.ts';
import { WordPiecePairs } from '../../../../main/data/wordpiece/wordPiecePairs.ts';
import { WordPieceTokenizer } from '../../../../main/data/wordpiece/wordPieceTokenizer.ts';
import { readFixture } from '../../../golden/fixtures.ts';
import { missingShared, sharedPath } from '../../../support/sharedData.ts';

const VOCABULARY = ['data', 'bert-vocab', 'bert-base-uncased.vocab.txt'] as const;

/** Both sentences of every row, by the names of their columns. */
function pairsOf(path: string): [string, string][] {
  const [header, ...lines] = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const columns = header!.split('\t');
  const [first, second] = [columns.indexOf('sentence1'), columns.indexOf('sentence2')];
  return lines.map((line) => {
    const cells = line.split('\t');
    return [cells[first]!, cells[second]!];
  });
}

/** Hashes of lists of whole numbers, 2,000 of them a hash, each list after its length. */
function hashesOf(lists: readonly (readonly number[])[]): string[] {
  const hashes: string[] = [];
  for (let start = 0; start < lists.length; start += 2000) {
    const block = lists.slice(start, start + 2000).flatMap((list) => [list.length, ...list]);
    const bytes = Buffer.alloc(block.length * 4);
    for (const [at, number] of block.entries()) bytes.writeInt32LE(number, at * 4);
    hashes.push(createHash('sha256').update(bytes).digest('hex').slice(0, 16));
  }
  return hashes;
}

describe.each(readFixture('wordpiece.json').corpora)('$name', (corpus) => {
  const missing = [VOCABULARY, ...corpus.files.map((file) => ['data', ...file.split('/')])]
    .map((parts) => missingShared(...parts))
    .find((reason) => reason !== null);
  const skipped = missing === undefined ? '' : ` (skipped: ${missing})`;

  it.skipIf(missing !== undefined)(
    `has the reference's ids, cased and uncased, alone and in pairs${skipped}`,
    () => {
      const path = sharedPath(...VOCABULARY);
      const vocabulary = parseVocabTxt(readFileSync(path, 'utf8'), path);
      const pairs = corpus.files.flatMap((file) => pairsOf(sharedPath('data', file)));
      const texts = pairs.flat();
      expect(texts.length).toBe(corpus.texts);
      const tokenizer = (uncased: boolean) =>
        new WordPieceTokenizer(vocabulary, { lowercase: uncased, stripAccents: uncased });
      expect(hashesOf(texts.map((text) => tokenizer(true).ids(text)))).toEqual(corpus.uncased);
      expect(hashesOf(texts.map((text) => tokenizer(false).ids(text)))).toEqual(corpus.cased);
      for (const { maxLen, hashes } of corpus.pairs) {
        const packing = new WordPiecePairs(tokenizer(true));
        const settings = { maxLen, truncation: 'longer-first' } as const;
        const encoded = pairs.map(([premise, hypothesis]) => {
          const { segmentStart, ids } = encodePair({ premise, hypothesis }, packing, settings);
          return [segmentStart, ...ids];
        });
        expect(hashesOf(encoded), `cut to ${maxLen}`).toEqual(hashes);
      }
    },
  );
});
