/** @file Tests. A tokenizer.json: read when it is BERT's, and every other setting refused by its name. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTokenizerJson } from '../../../../main/data/wordpiece/tokenizerJson.ts';
import { readFixture } from '../../../golden/fixtures.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';

const fixture = readFixture('wordpiece.json');
/** As the reference has saved it. */
const tokenizerJson = readFileSync(
  new URL('../../../golden/wordpiece_tokenizer.json', import.meta.url),
  'utf8',
);
const UNCASED = { lowercase: true, stripAccents: true };
const CASED = { lowercase: false, stripAccents: false };

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

/** `json` with another value at a path such as "normalizer.lowercase"; undefined takes the setting away. */
function changed(json: string, path: string, value: Json | undefined): string {
  const whole = JSON.parse(json) as { [key: string]: Json };
  const keys = path.split('.');
  let at = whole;
  for (const key of keys.slice(0, -1)) at = at[key] as { [key: string]: Json };
  if (value === undefined) delete at[keys.at(-1)!];
  else at[keys.at(-1)!] = value;
  return JSON.stringify(whole);
}

describe('tokenizer.json', () => {
  test('of the reference is read whole', () => {
    const { vocabulary, settings } = parseTokenizerJson(tokenizerJson, 'tokenizer.json');
    expect(vocabulary.tokens).toEqual(fixture.vocabulary);
    expect(settings).toEqual(UNCASED);
  });

  const CLS_ID = fixture.vocabulary.indexOf('[CLS]');
  const SEP_ID = fixture.vocabulary.indexOf('[SEP]');
  const specialToken = (id: string, segment: number) => ({ SpecialToken: { id, type_id: segment } });
  const { added_tokens, normalizer } = JSON.parse(tokenizerJson) as {
    added_tokens: { [key: string]: Json }[];
    normalizer: { [key: string]: Json };
  };

  test.each<[string, string, Json | undefined, object]>([
    ['cased', 'normalizer', { ...normalizer, lowercase: false, strip_accents: null }, CASED],
    ['uncased, keeping accents', 'normalizer.strip_accents', false, { lowercase: true, stripAccents: false }],
    ['uncased, accents not mentioned', 'normalizer.strip_accents', null, UNCASED],
    ['without the name of its model, as before 2020', 'model.type', undefined, UNCASED],
    [
      'with the older way to say [CLS] and [SEP]',
      'post_processor',
      { type: 'BertProcessing', sep: ['[SEP]', SEP_ID], cls: ['[CLS]', CLS_ID] },
      UNCASED,
    ],
    [
      'that was last used to cut',
      'truncation',
      { max_length: 128, strategy: 'LongestFirst', stride: 0 },
      UNCASED,
    ],
    [
      'that was last used to pad',
      'padding',
      {
        strategy: { Fixed: 128 },
        direction: 'Right',
        pad_to_multiple_of: null,
        pad_id: 0,
        pad_type_id: 0,
        pad_token: '[PAD]',
      },
      UNCASED,
    ],
    ['with another decoder', 'decoder', null, UNCASED],
  ])('%s', (_what, path, value, settings) => {
    const tokenizer = parseTokenizerJson(changed(tokenizerJson, path, value), 'tokenizer.json');
    expect(tokenizer.settings).toEqual(settings);
  });

  test.each<[string, Json | undefined, RegExp]>([
    ['model.type', 'BPE', /the setting model\.type is "BPE"/],
    ['model.unk_token', '<unk>', /model\.unk_token is "<unk>"/],
    ['model.continuing_subword_prefix', '@@', /model\.continuing_subword_prefix is "@@".*"##"/],
    ['model.max_input_chars_per_word', 200, /model\.max_input_chars_per_word is 200/],
    ['model.dropout', 0.1, /the setting model\.dropout/],
    ['model.vocab', [], /model\.vocab is \[\]/],
    ['model.vocab', undefined, /model\.vocab is missing/],
    ['model.vocab.the', '7', /model\.vocab "the" has the id "7"/],
    ['model.vocab.the', -1, /-1 is not a whole number/],
    ['model.vocab.the', 0, /"\[PAD\]" and "the" have the same id 0/],
    ['model.vocab.the', 99_999, /"the" has the id 99999; ids are the numbers from 0 to/],
    ['model.vocab.[CLS]', undefined, /has the id/],
    ['model', null, /the setting model is null/],
    ['version', '2.0', /the setting version is "2\.0"/],
    [
      'truncation',
      { direction: 'Left', max_length: 9, strategy: 'LongestFirst', stride: 0 },
      /truncation\.direction is "Left"/,
    ],
    [
      'truncation',
      { max_length: 9, strategy: 'OnlyFirst', stride: 0 },
      /truncation\.strategy is "OnlyFirst"/,
    ],
    ['padding', { direction: 'Left', pad_token: '[PAD]' }, /padding\.direction is "Left"/],
    ['normalizer', null, /the setting normalizer is null/],
    ['normalizer.type', 'Sequence', /normalizer\.type is "Sequence"/],
    ['normalizer.clean_text', false, /normalizer\.clean_text is false/],
    ['normalizer.handle_chinese_chars', false, /normalizer\.handle_chinese_chars is false/],
    ['normalizer.lowercase', 'yes', /normalizer\.lowercase is "yes"/],
    ['normalizer.lowercase', undefined, /normalizer\.lowercase is missing/],
    ['pre_tokenizer.type', 'Whitespace', /pre_tokenizer\.type is "Whitespace"/],
    ['pre_tokenizer.add_prefix_space', true, /the setting pre_tokenizer\.add_prefix_space/],
    ['post_processor', null, /the setting post_processor is null/],
    ['post_processor.type', 'RobertaProcessing', /post_processor\.type is "RobertaProcessing"/],
    ['post_processor.single', [specialToken('[CLS]', 0)], /post_processor\.single is .*\[CLS\] \$A \[SEP\]/],
    ['post_processor.pair', [specialToken('[SEP]', 0)], /post_processor\.pair is/],
    ['post_processor.special_tokens.[SEP].ids', [0], /gives \[SEP\] the id 0, not/],
    ['post_processor.special_tokens.[SEP].id', '[CLS]', /special_tokens\.\[SEP\] means another token/],
    ['added_tokens', [], /added_tokens lacks \[PAD\]/],
    ['added_tokens.0.content', '[E1]', /added_tokens\.0\.content is "\[E1\]"/],
    ['added_tokens.0.lstrip', true, /added_tokens\.0\.lstrip is true/],
    ['added_tokens.0.normalized', true, /added_tokens\.0\.normalized is true/],
    ['added_tokens.0', { ...added_tokens[0], id: 9 }, /added_tokens gives \[PAD\] the id 9, not 0/],
    ['pronunciation', {}, /the setting pronunciation/],
  ])('with %s = %j is refused', (path, value, message) => {
    const error = studioErrorOf(() =>
      parseTokenizerJson(changed(tokenizerJson, path, value), 'tokenizer.json'),
    );
    expect(error).toMatchObject({ code: 'BAD_FILE', place: { file: 'tokenizer.json' } });
    expect(error.message).toMatch(message);
    expect(error.nextStep).not.toBe('');
  });

  test.each([
    ['that is empty', '', /is not JSON/],
    ['that is cut short', tokenizerJson.slice(0, -9), /is not JSON/],
    ['that is a list', '[]', /its content is \[\]/],
    ['that is null', 'null', /its content is null/],
    ['with a token twice', tokenizerJson.replace('"the":', '"the":1,"the":'), /"the" stands in it twice/],
    ['with half a character', tokenizerJson.replace('"the":', '"\\ud800":'), /no Unicode text/],
    ['with an empty token', tokenizerJson.replace('"the":', '"":'), /is empty/],
  ])('%s is refused', (_what, json, message) => {
    const error = studioErrorOf(() => parseTokenizerJson(json, 'tokenizer.json'));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(message);
  });

  test('takes a token that JavaScript objects would hide', () => {
    const json = tokenizerJson.replace('"the":', '"__proto__":');
    const { vocabulary } = parseTokenizerJson(json, 'tokenizer.json');
    expect(vocabulary.tokens[fixture.vocabulary.indexOf('the')]).toBe('__proto__');
  });
});
