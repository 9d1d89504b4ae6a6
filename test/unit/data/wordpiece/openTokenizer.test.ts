/** @file Tests. The tokenizer of a folder: which of its files are read, and what they may not say. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTokenizer } from '../../../../main/data/wordpiece/openTokenizer.ts';
import { readFixture } from '../../../golden/fixtures.ts';
import { makeFifo } from '../../../support/fifo.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const fixture = readFixture('wordpiece.json');
const vocabTxt = `${fixture.vocabulary.join('\n')}\n`;
/** As the reference has saved it. */
const tokenizerJson = readFileSync(
  new URL('../../../golden/wordpiece_tokenizer.json', import.meta.url),
  'utf8',
);
const UNCASED = { lowercase: true, stripAccents: true };
const CASED = { lowercase: false, stripAccents: false };

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('a folder', () => {
  it('whose vocabulary has a capital letter without a small form is an uncased one all the same', () => {
    const folder = folderWith({ 'vocab.txt': '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nℝ\n' });
    expect(openTokenizer(folder).tokenizer.settings).toEqual(UNCASED);
  });

  const config = (settings: Json) => JSON.stringify(settings);
  /** As transformers writes it. */
  const FULL_CONFIG = config({
    do_lower_case: true,
    unk_token: '[UNK]',
    sep_token: { content: '[SEP]', lstrip: false, normalized: false, rstrip: false, single_word: false },
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    mask_token: '[MASK]',
    additional_special_tokens: [],
    never_split: null,
    strip_accents: null,
    tokenize_chinese_chars: true,
    do_basic_tokenize: true,
    model_max_length: 512,
    tokenizer_class: 'BertTokenizer',
    name_or_path: 'somewhere/else',
    clean_up_tokenization_spaces: true,
    added_tokens_decoder: { 0: { content: '[PAD]', lstrip: false, normalized: false, special: true } },
  });

  it.each<[string, Record<string, string>, object]>([
    [
      'with vocab.txt only',
      { 'vocab.txt': [...fixture.vocabulary].filter((token) => !/^[^[]*\p{Lu}/u.test(token)).join('\n') },
      UNCASED,
    ],
    [
      'whose class is none of its own',
      {
        'tokenizer.json': tokenizerJson,
        'tokenizer_config.json': config({ tokenizer_class: 'PreTrainedTokenizerFast' }),
      },
      UNCASED,
    ],
    ['with tokenizer.json only', { 'tokenizer.json': tokenizerJson }, UNCASED],
    [
      'with all of them',
      {
        'vocab.txt': vocabTxt,
        'tokenizer.json': tokenizerJson,
        'tokenizer_config.json': FULL_CONFIG,
        'special_tokens_map.json': '{"cls_token":"[CLS]"}',
        'added_tokens.json': '{"[PAD]":0}',
      },
      UNCASED,
    ],
    ['with capitals that have no small letter, as BERT’s', { 'vocab.txt': `${vocabTxt}ℝ\n##ℝ\n` }, UNCASED],
    [
      'that says it is cased',
      { 'vocab.txt': vocabTxt, 'tokenizer_config.json': config({ do_lower_case: false }) },
      CASED,
    ],
    [
      'that keeps accents',
      {
        'vocab.txt': vocabTxt,
        'tokenizer_config.json': config({ do_lower_case: true, strip_accents: false }),
      },
      { lowercase: true, stripAccents: false },
    ],
    [
      'with byte-order marks',
      { 'vocab.txt': `\ufeff${vocabTxt}`, 'tokenizer_config.json': `\ufeff${FULL_CONFIG}` },
      UNCASED,
    ],
  ])('%s is opened', (_what, files, settings) => {
    const { tokenizer } = openTokenizer(folderWith(files));
    expect(tokenizer.settings).toEqual(settings);
    expect(tokenizer.vocabulary.tokens[tokenizer.vocabulary.cls]).toBe('[CLS]');
  });

  it.each<[Json, number | null]>([
    [512, 512],
    [1e30, null],
  ])('model_max_length %j is %j', (given, maxLen) => {
    const files = {
      'tokenizer.json': tokenizerJson,
      'tokenizer_config.json': config({ model_max_length: given }),
    };
    expect(openTokenizer(folderWith(files)).maxLen).toBe(maxLen);
  });

  it.each<[string, Json, RegExp]>([
    ['another class', { tokenizer_class: 'RobertaTokenizer' }, /tokenizer_class is "RobertaTokenizer"/],
    ['undivided ideographs', { tokenize_chinese_chars: false }, /tokenize_chinese_chars is false/],
    ['no words', { do_basic_tokenize: false }, /do_basic_tokenize is false/],
    ['words never split', { never_split: ['[E1]'] }, /never_split is \["\[E1\]"\]/],
    ['another [CLS]', { cls_token: '<s>' }, /cls_token is "<s>"/],
    ['another [SEP]', { sep_token: { content: '</s>' } }, /sep_token is \{"content":"<\/s>"\}/],
    ['a greedy [MASK]', { mask_token: { content: '[MASK]', lstrip: true } }, /mask_token is/],
    ['tokens of its own', { additional_special_tokens: ['[E1]'] }, /additional_special_tokens is/],
    ['padding before', { padding_side: 'left' }, /padding_side is "left"/],
    ['cutting before', { truncation_side: 'left' }, /truncation_side is "left"/],
    ['a length of 0', { model_max_length: 0 }, /model_max_length is 0/],
    [
      'an added token',
      { added_tokens_decoder: { 9: { content: '[E1]' } } },
      /added_tokens_decoder\.9\.content is "\[E1\]"/,
    ],
    [
      'another id',
      { added_tokens_decoder: { 9: { content: '[PAD]' } } },
      /\[PAD\] the id 9, but the vocabulary has it as 0/,
    ],
    ['case as text', { do_lower_case: 'no' }, /do_lower_case is "no"/],
    [
      'another case',
      { do_lower_case: false },
      /do_lower_case is false, but tokenizer\.json beside it says the opposite/,
    ],
    ['other accents', { strip_accents: false }, /strip_accents is false, but tokenizer\.json/],
    ['a list', [], /its content is \[\]/],
  ])('whose tokenizer_config.json has %s is refused', (_what, settings, message) => {
    const files = { 'tokenizer.json': tokenizerJson, 'tokenizer_config.json': config(settings) };
    const error = studioErrorOf(() => openTokenizer(folderWith(files)));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(message);
    expect(error.place?.file).toMatch(/tokenizer_config\.json$/);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'two vocabularies',
      { 'vocab.txt': `${vocabTxt}more\n`, 'tokenizer.json': tokenizerJson },
      /id \d+ is "more" in it, but nothing in tokenizer\.json/,
    ],
    [
      'other special tokens',
      { 'vocab.txt': vocabTxt, 'special_tokens_map.json': '{"cls_token":"<s>"}' },
      /cls_token is "<s>"/,
    ],
    ['added tokens', { 'vocab.txt': vocabTxt, 'added_tokens.json': '{"[E1]":999}' }, /\[E1\]/],
    [
      'a cased vocabulary and no word about it',
      { 'vocab.txt': vocabTxt.replace('the\n', 'The\n') },
      /says whether its tokenizer lower-cases/,
    ],
    [
      'a pointer instead of the file',
      { 'vocab.txt': 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n' },
      /Git LFS pointer/,
    ],
  ])('with %s is refused', (_what, files, message) => {
    const error = studioErrorOf(() => openTokenizer(folderWith(files)));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(message);
    expect(error.nextStep).not.toBe('');
  });

  it('without any of the files, of bytes that are no text, too large, or no file at all, is refused', () => {
    expect(studioErrorOf(() => openTokenizer(temporaryFolder()))).toMatchObject({ code: 'NOT_FOUND' });
    const folder = folderWith({ 'tokenizer.json': '' });
    const path = join(folder, 'tokenizer.json');
    writeFileSync(path, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]));
    expect(studioErrorOf(() => openTokenizer(folder)).message).toMatch(/is not UTF-8 text/);
    // Sparse: nothing of it is read.
    truncateSync(path, 10 * 2 ** 30);
    expect(studioErrorOf(() => openTokenizer(folder)).message).toMatch(
      /it has 10\.7 GB, more than the 33\.6 MB/,
    );
    const others = temporaryFolder();
    mkdirSync(join(others, 'vocab.txt'));
    expect(studioErrorOf(() => openTokenizer(others))).toMatchObject({ code: 'UNREADABLE' });
    if (process.platform === 'win32') return;
    const pipes = temporaryFolder();
    makeFifo(join(pipes, 'vocab.txt'));
    expect(studioErrorOf(() => openTokenizer(pipes))).toMatchObject({ code: 'UNREADABLE' });
  });
});
