/** @file Tests. WordPiece in the studio's hands: raw sentences through the cache, tokens for people, files that are kept. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCache } from '../../../../main/data/cache.ts';
import { encodeSplit } from '../../../../main/data/encodedSplits.ts';
import { importDataset } from '../../../../main/data/importDataset.ts';
import {
  hasTokenizer,
  openPairTokenizer,
  tokenizerAt,
  tokenizerFromData,
} from '../../../../main/data/openPairTokenizer.ts';
import { tokenCacheSize } from '../../../../main/data/tokenCache.ts';
import { writeTokenizer } from '../../../../main/studio/tokenizerOfRun.ts';
import { numberedPairs, writePairsCsv } from '../../../support/pairsCsv.ts';
import { SMALL_PIECES, SMALL_VOCAB_TXT, smallWordPiece } from '../../../support/smallWordPiece.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const SETTINGS = { maxLen: 16, truncation: 'longer-first' } as const;
const piecesOf = (ids: Int32Array) => Array.from(ids, (id) => SMALL_PIECES[id]).join(' ');

function snliFile(folder: string): string {
  const path = join(folder, 'snli_1.0_train.txt');
  const columns = [
    ...[
      'gold_label',
      'sentence1_binary_parse',
      'sentence2_binary_parse',
      'sentence1_parse',
      'sentence2_parse',
    ],
    ...['sentence1', 'sentence2', 'captionID', 'pairID', 'label1', 'label2', 'label3', 'label4', 'label5'],
  ];
  const row = [
    'neutral',
    "( The ( dog ( do n't ) ) )",
    '( dogs sleep )',
    '',
    '',
    "The dog don't",
    'Dogs sleep',
  ];
  const lines = [columns, [...row, '1', '1', '', '', '', '', '']].map((cells) => cells.join('\t'));
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

describe('a split in WordPiece', () => {
  it('is read from the sentences as they were written, not from their parses', async () => {
    const folder = temporaryFolder();
    const cache = openCache(join(folder, 'cache.db'));
    const dataset = await importDataset(cache, { path: snliFile(folder), name: 'snli' });
    const options = { dataset, split: 'train', workers: 0, ...SETTINGS } as const;
    const { ids, segmentStarts } = await encodeSplit(cache, { ...options, tokenizer: smallWordPiece() });
    expect(piecesOf(ids)).toBe("[CLS] the dog d ##o ##n ' t [SEP] dog ##s sleep [SEP]");
    expect([...segmentStarts]).toEqual([9]);
    cache.close();
  });

  it('is the same on threads, stored, and told from one that lower-cases nothing', async () => {
    const folder = temporaryFolder();
    const csv = join(folder, 'pairs.csv');
    writePairsCsv(
      csv,
      numberedPairs(9000).map((pair) => ({ ...pair, split: 'train' })),
    );
    const cache = openCache(join(folder, 'cache.db'));
    const dataset = await importDataset(cache, { path: csv, name: 'pairs' });
    const options = { dataset, split: 'train', ...SETTINGS } as const;
    const onThreads = await encodeSplit(cache, { ...options, workers: 2, tokenizer: smallWordPiece() });
    const stored = await encodeSplit(cache, { ...options, workers: 0, tokenizer: smallWordPiece() });
    expect(stored).toEqual(onThreads);
    expect(tokenCacheSize(cache).caches).toBe(1);
    const cased = smallWordPiece({ lowercase: false });
    await encodeSplit(cache, { ...options, workers: 0, tokenizer: cased });
    expect(tokenCacheSize(cache).caches).toBe(2);
    const other = openCache(join(temporaryFolder(), 'cache.db'));
    const again = await importDataset(other, { path: csv, name: 'pairs' });
    const alone = await encodeSplit(other, {
      ...options,
      dataset: again,
      workers: 0,
      tokenizer: smallWordPiece(),
    });
    expect(alone).toEqual(onThreads);
    cache.close();
    other.close();
  });
});

describe('what a person sees', () => {
  it('is pieces, and the word behind an unknown one', () => {
    const shown = smallWordPiece().show({ premise: 'Dogs sleep!', hypothesis: 'the \u4e2d' }, SETTINGS);
    expect(shown.tokens).toEqual(['[CLS]', 'dog', '##s', 'sleep', '!', '[SEP]', 'the', '[UNK]', '[SEP]']);
    expect(shown.words).toEqual(['', 'dog', '##s', 'sleep', '!', '', 'the', '\u4e2d', '']);
    expect(shown.segments).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1]);
  });

  it('has one entry an id, cut alike, with one sentence and with two', () => {
    const tokenizer = smallWordPiece();
    for (const hypothesis of [null, 'a dog that sleeps'])
      for (const truncation of ['longer-first', 'length-ratio'] as const) {
        const settings = { maxLen: 9, truncation };
        const pair = { premise: 'dogs sleep in the park', hypothesis };
        const ids = new Int32Array(9);
        const { length } = tokenizer.write({ ...pair, ids, at: 0 }, settings);
        expect(tokenizer.show(pair, settings).tokens.join(' ')).toBe(piecesOf(ids.subarray(0, length)));
      }
  });
});

describe('its files', () => {
  it('are kept byte for byte, and found again', () => {
    const [theirs, ours] = [temporaryFolder(), temporaryFolder()];
    const config = '{ "do_lower_case":true, "model_max_length": 512 }';
    writeFileSync(join(theirs, 'vocab.txt'), SMALL_VOCAB_TXT);
    writeFileSync(join(theirs, 'tokenizer_config.json'), config);
    const opened = tokenizerAt(join(theirs, 'vocab.txt'));
    expect(opened).toMatchObject({ kind: 'wordpiece', size: SMALL_PIECES.length, maxLen: 512 });
    expect(hasTokenizer(ours)).toBe(false);
    writeTokenizer(ours, opened);
    expect(readFileSync(join(ours, 'tokenizer_config.json'), 'utf8')).toBe(config);
    expect(readFileSync(join(ours, 'vocab.txt'), 'utf8')).toBe(SMALL_VOCAB_TXT);
    expect(openPairTokenizer(ours).hash).toBe(opened.hash);
    expect(hasTokenizer(ours)).toBe(true);
  });

  it('are written anew where there were none, and mean the same', () => {
    for (const lowercase of [true, false]) {
      const folder = temporaryFolder();
      const made = tokenizerFromData(smallWordPiece({ lowercase }).toData());
      writeTokenizer(folder, made);
      expect(openPairTokenizer(folder).hash).toBe(smallWordPiece({ lowercase }).hash);
    }
  });

  it('are told apart by their names', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'mine.txt'), SMALL_VOCAB_TXT);
    expect(studioErrorOf(() => tokenizerAt(join(folder, 'mine.txt')))).toMatchObject({ code: 'BAD_FILE' });
    expect(studioErrorOf(() => tokenizerAt(join(folder, 'none', 'vocab.txt')))).toMatchObject({
      code: 'NOT_FOUND',
    });
    mkdirSync(join(folder, 'empty'));
    expect(studioErrorOf(() => tokenizerAt(join(folder, 'empty')))).toMatchObject({ code: 'NOT_FOUND' });
    writeFileSync(join(folder, 'vocab.json'), '["<cls>","<mask>","<pad>","<sep>","<unk>"]');
    expect(tokenizerAt(join(folder, 'vocab.json'))).toMatchObject({ kind: 'words', size: 5 });
  });
});
