/** @file Runs anywhere. Reads a tokenizer_config.json: what transformers changes of a tokenizer when it opens one. */
import { z } from 'zod';
import { parseSettings } from './settingsSchema.ts';
import { parseTokenizerJsonText } from './tokenizerFile.ts';
import { SPECIAL_TOKENS, type SpecialToken } from './wordPieceVocabulary.ts';

export const MAX_CONFIG_BYTES = 4 << 20;

/** What the file says; null where it says nothing. */
export interface TokenizerConfig {
  readonly lowercase: boolean | null;
  readonly stripAccents: boolean | null;
  /** Longest pair in tokens that the model was made for. */
  readonly maxLen: number | null;
  /** Tokens that the file names with their ids. */
  readonly tokenIds: ReadonlyMap<SpecialToken, number>;
}

const CLASSES = [
  'BertTokenizer',
  'BertTokenizerFast',
  'DistilBertTokenizer',
  'DistilBertTokenizerFast',
  // Whatever tokenizer.json says, of which BERT's is read.
  'PreTrainedTokenizerFast',
  'TokenizersBackend',
] as const;
/** Written for "no limit": 10^30, more than any model has. */
const NO_LIMIT = 1_000_000;

/** A special token as its text or as an object; white space around it must not belong to it. */
const tokenObject = <Content extends z.ZodType<string>>(content: Content) =>
  z.looseObject({
    content,
    lstrip: z.literal(false).optional(),
    rstrip: z.literal(false).optional(),
    single_word: z.literal(false).optional(),
    normalized: z.boolean().optional(),
  });
function token<Name extends SpecialToken>(name: Name) {
  return z.union([z.literal(name), tokenObject(z.literal(name))]).nullish();
}
const nothing = z.union([z.tuple([]), z.strictObject({})]).nullish();

const namedTokens = {
  unk_token: token('[UNK]'),
  sep_token: token('[SEP]'),
  pad_token: token('[PAD]'),
  cls_token: token('[CLS]'),
  mask_token: token('[MASK]'),
  additional_special_tokens: nothing,
};

/** Whatever else stands in the file (names, paths, a chat's form) changes no id of a text. */
const configSchema = z.looseObject({
  tokenizer_class: z.enum(CLASSES).nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.literal(true).nullish(),
  do_basic_tokenize: z.literal(true).nullish(),
  never_split: nothing,
  ...namedTokens,
  extra_special_tokens: nothing,
  padding_side: z.literal('right').nullish(),
  truncation_side: z.literal('right').nullish(),
  truncation_strategy: z.literal('longest_first').nullish(),
  stride: z.literal(0).nullish(),
  model_max_length: z.number().min(1).nullish(),
  added_tokens_decoder: z
    .record(
      z.string().regex(/^\d{1,7}$/),
      tokenObject(z.enum(SPECIAL_TOKENS)).extend({ normalized: z.literal(false).optional() }),
    )
    .nullish(),
});
const specialTokensSchema = z.strictObject(namedTokens);

/**
 * @param path for messages.
 * @throws StudioError BAD_FILE that names the first setting that is not BERT's.
 */
export function parseTokenizerConfig(json: string, path: string): TokenizerConfig {
  const config = parseSettings(configSchema, parseTokenizerJsonText(json, path), path);
  const named = Object.entries(config.added_tokens_decoder ?? {});
  const longest = config.model_max_length ?? NO_LIMIT;
  return {
    lowercase: config.do_lower_case ?? null,
    stripAccents: config.strip_accents ?? null,
    maxLen: longest < NO_LIMIT ? Math.floor(longest) : null,
    tokenIds: new Map(named.map(([id, { content }]) => [content, Number(id)])),
  };
}

/**
 * Checks a special_tokens_map.json, an older file with the same names.
 * @throws StudioError BAD_FILE that names a token that is not BERT's.
 */
export function checkSpecialTokensMap(json: string, path: string): void {
  parseSettings(specialTokensSchema, parseTokenizerJsonText(json, path), path);
}

/**
 * Checks an added_tokens.json: tokens that a person has added to the vocabulary, by id.
 * @throws StudioError BAD_FILE that names a token that is not one of BERT's.
 */
export function checkAddedTokens(json: string, path: string): void {
  const schema = z.partialRecord(z.enum(SPECIAL_TOKENS), z.number().int().min(0));
  parseSettings(schema, parseTokenizerJsonText(json, path), path);
}
