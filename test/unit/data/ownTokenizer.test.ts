/** @file Tests. A tokenizer that is not the one a network was trained with is refused, however it came into the folder. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ownTokenizer } from '../../../main/data/ownTokenizer.ts';
import type { PairTokenizer } from '../../../main/data/pairTokenizer.ts';
import { buildVocabulary } from '../../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../../main/data/wordsTokenizer.ts';
import { writeTokenizer } from '../../../main/studio/tokenizerOfRun.ts';
import { SMALL_VOCAB_TXT, smallWordPiece } from '../../support/smallWordPiece.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const WORDS = new WordsTokenizer(
  buildVocabulary(
    new Map([
      ['dog', 3],
      ['cat', 2],
    ]),
    1,
  ),
);

function kept(tokenizer: PairTokenizer) {
  const folder = temporaryFolder();
  writeTokenizer(folder, tokenizer);
  const record = { model: { vocabularySize: tokenizer.size }, vocabularyHash: tokenizer.hash };
  return { folder, record, put: (name: string, text: string) => writeFileSync(join(folder, name), text) };
}

it.each([WORDS, smallWordPiece(), smallWordPiece({ lowercase: false })])(
  'opens what was kept',
  (tokenizer) => {
    const { folder, record } = kept(tokenizer);
    expect(ownTokenizer(folder, record).toData()).toEqual(tokenizer.toData());
  },
);

it('refuses words in another order', () => {
  const { folder, record, put } = kept(WORDS);
  put(
    'vocab.json',
    WORDS.vocabulary.toJson().replace('"dog"', '"x"').replace('"cat"', '"dog"').replace('"x"', '"cat"'),
  );
  const error = studioErrorOf(() => ownTokenizer(folder, record));
  expect(error).toMatchObject({ code: 'CHECKSUM_MISMATCH', place: { file: folder } });
  expect(error.message).toContain('not the one that its network was trained with');
});

it('refuses a longer list of pieces, another rule of case, and another kind', () => {
  const { folder, record, put } = kept(smallWordPiece());
  const code = () => studioErrorOf(() => ownTokenizer(folder, record)).code;
  put('vocab.txt', `${SMALL_VOCAB_TXT}zebra\n`);
  expect(code()).toBe('CHECKSUM_MISMATCH');
  put('vocab.txt', SMALL_VOCAB_TXT);
  put('tokenizer_config.json', '{"do_lower_case": false}');
  expect(code()).toBe('CHECKSUM_MISMATCH');
  put('tokenizer_config.json', '{"do_lower_case": true}');
  put('vocab.json', WORDS.vocabulary.toJson());
  expect(code()).toBe('CHECKSUM_MISMATCH');
  rmSync(join(folder, 'vocab.json'));
  expect(ownTokenizer(folder, record).hash).toBe(record.vocabularyHash);
});

it('lets a model without a hash have spare rows, never too few', () => {
  const { folder, record } = kept(smallWordPiece());
  const rows = record.model.vocabularySize;
  expect(ownTokenizer(folder, { model: { vocabularySize: rows + 2 } }).size).toBe(rows);
  const error = studioErrorOf(() => ownTokenizer(folder, { model: { vocabularySize: rows - 1 } }));
  expect(error).toMatchObject({ code: 'BAD_FILE' });
  expect(error.message).toContain(`${rows} tokens, but the model's table only ${rows - 1} rows`);
});
