/** @file Runs anywhere. Reads a tokenizer.json (Hugging Face's whole tokenizer in one file), if it is BERT's. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { doubtfulJson } from '../../files/strictJson.ts';
import type { NormaliserSettings } from './normalise.ts';
import { parseSettings } from './settingsSchema.ts';
import { badTokenizerFile, parseTokenizerJsonText } from './tokenizerFile.ts';
import { MAX_TOKEN_LENGTH, MAX_TOKENS } from './vocabTxt.ts';
import { CONTINUATION, SPECIAL_TOKENS, WordPieceVocabulary } from './wordPieceVocabulary.ts';

export const MAX_TOKENIZER_JSON_BYTES = 32 << 20;

export interface WholeTokenizer {
  readonly vocabulary: WordPieceVocabulary;
  readonly settings: NormaliserSettings;
}

const id = z.number().int().min(0);
const specialToken = z.enum(SPECIAL_TOKENS);

/** [CLS] $A [SEP], and $B [SEP] in segment 1 for a pair. */
const special = (name: string, segment: number) => ({ SpecialToken: { id: name, type_id: segment } });
const text = (name: string, segment: number) => ({ Sequence: { id: name, type_id: segment } });
const SINGLE = [special('[CLS]', 0), text('A', 0), special('[SEP]', 0)];
const PAIR = [...SINGLE, text('B', 1), special('[SEP]', 1)];
const exactly = (wanted: unknown, words: string) =>
  z.custom((value) => isDeepStrictEqual(value, wanted), { message: words });

const template = z.strictObject({
  type: z.literal('TemplateProcessing'),
  single: exactly(SINGLE, '[CLS] $A [SEP]'),
  pair: exactly(PAIR, '[CLS] $A [SEP] $B:1 [SEP]:1'),
  special_tokens: z.partialRecord(
    specialToken,
    z.strictObject({ id: specialToken, ids: z.tuple([id]), tokens: z.tuple([specialToken]) }),
  ),
});
const bertProcessing = z.strictObject({
  type: z.literal('BertProcessing'),
  sep: z.tuple([z.literal('[SEP]'), id]),
  cls: z.tuple([z.literal('[CLS]'), id]),
});

/** How the file's owner last cut and padded; we cut by ourselves, so only the ways must be the same. */
const truncation = z.strictObject({
  direction: z.literal('Right').optional(),
  max_length: id,
  strategy: z.literal('LongestFirst'),
  stride: z.literal(0),
});
const padding = z.looseObject({ direction: z.literal('Right'), pad_token: z.literal('[PAD]') });

const schema = z.strictObject({
  model: z.strictObject({
    type: z.literal('WordPiece').optional(),
    unk_token: z.literal('[UNK]'),
    continuing_subword_prefix: z.literal(CONTINUATION),
    max_input_chars_per_word: z.literal(100),
    // Looked through by hand: a record of zod's passes over a token that is named __proto__.
    vocab: z.custom<Readonly<Record<string, unknown>>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      { message: 'an object of tokens and ids' },
    ),
  }),
  version: z.literal('1.0'),
  truncation: truncation.nullish(),
  padding: padding.nullish(),
  added_tokens: z.array(
    z.strictObject({
      id,
      content: specialToken,
      single_word: z.literal(false),
      lstrip: z.literal(false),
      rstrip: z.literal(false),
      normalized: z.literal(false),
      special: z.literal(true),
    }),
  ),
  normalizer: z.strictObject({
    type: z.literal('BertNormalizer'),
    clean_text: z.literal(true),
    handle_chinese_chars: z.literal(true),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean(),
  }),
  pre_tokenizer: z.strictObject({ type: z.literal('BertPreTokenizer') }),
  post_processor: z.discriminatedUnion('type', [template, bertProcessing]),
  // From ids back to text, which nobody does here.
  decoder: z.unknown().optional(),
});
type Parsed = z.output<typeof schema>;

/**
 * @param path for messages.
 * @throws StudioError BAD_FILE that names the first setting that is not BERT's, or says what is wrong with the tokens.
 */
export function parseTokenizerJson(json: string, path: string): WholeTokenizer {
  const parsed = parseSettings(schema, parseTokenizerJsonText(json, path), path);
  const doubt = doubtfulJson(json);
  if (doubt !== null) throw badTokenizerFile(path, doubt);
  const vocabulary = new WordPieceVocabulary(tokensOf(parsed.model.vocab, path), path);
  const wrong = wrongSpecialToken(parsed, vocabulary);
  if (wrong !== null) throw badTokenizerFile(path, wrong);
  const { lowercase, strip_accents } = parsed.normalizer;
  return { vocabulary, settings: { lowercase, stripAccents: strip_accents ?? lowercase } };
}

/** Tokens in the order of their ids, which must be all numbers from 0 on. */
function tokensOf(vocab: Readonly<Record<string, unknown>>, path: string): string[] {
  const entries = Object.entries(vocab);
  const refuse = (why: string) => badTokenizerFile(path, `in the setting model.vocab ${why}`);
  if (entries.length > MAX_TOKENS) {
    throw refuse(`there are more than ${MAX_TOKENS.toLocaleString('en')} tokens`);
  }
  const tokens = new Array<string | undefined>(entries.length).fill(undefined);
  for (const [token, at] of entries) {
    const name = JSON.stringify(token.slice(0, 80));
    if (typeof at !== 'number' || !Number.isInteger(at) || at < 0 || at >= tokens.length) {
      const last = tokens.length - 1;
      throw refuse(`${name} has the id ${JSON.stringify(at)}; ids are the numbers from 0 to ${last}`);
    }
    const other = tokens[at];
    if (other !== undefined) throw refuse(`${JSON.stringify(other)} and ${name} have the same id ${at}`);
    if (token === '' || token.length > MAX_TOKEN_LENGTH || !token.isWellFormed()) {
      throw refuse(`the token with id ${at} is empty, endless or no Unicode text`);
    }
    tokens[at] = token;
  }
  // As many different ids as places: none is left out.
  return tokens as string[];
}

/** Special tokens stand in three places of the file, which may not contradict each other. */
function wrongSpecialToken({ added_tokens, post_processor }: Parsed, vocabulary: WordPieceVocabulary) {
  const claims: [setting: string, token: string, id: number][] = added_tokens.map(({ content, id }) => [
    'added_tokens',
    content,
    id,
  ]);
  if (post_processor.type === 'BertProcessing') {
    claims.push(['post_processor.sep', ...post_processor.sep], ['post_processor.cls', ...post_processor.cls]);
  } else {
    for (const [name, token] of Object.entries(post_processor.special_tokens)) {
      if (token === undefined) continue;
      if (token.id !== name || token.tokens[0] !== name)
        return `the setting post_processor.special_tokens.${name} means another token`;
      claims.push(['post_processor.special_tokens', name, token.ids[0]]);
    }
  }
  for (const [setting, token, claimed] of claims) {
    const known = vocabulary.id(token);
    if (known !== claimed) return `the setting ${setting} gives ${token} the id ${claimed}, not ${known}`;
  }
  const added = new Set<string>(added_tokens.map(({ content }) => content));
  const missing = SPECIAL_TOKENS.find((token) => vocabulary.id(token) !== undefined && !added.has(token));
  return missing === undefined ? null : `the setting added_tokens lacks ${missing}`;
}
