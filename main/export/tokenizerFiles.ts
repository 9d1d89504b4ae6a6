/**
 * @file Node. A tokenizer as the Hugging Face libraries read one: tokenizer.json with all of it, tokenizer_config.json with
 * what transformers adds, vocab.txt with the tokens of WordPiece.
 */
import type { Vocabulary } from '../data/vocabulary.ts';
import type { NormaliserSettings } from '../data/wordpiece/normalise.ts';
import { CONTINUATION, SPECIAL_TOKENS } from '../data/wordpiece/wordPieceVocabulary.ts';
import type { ExportedModel } from './exportedModel.ts';

/** Texts by file name. */
export function tokenizerFiles(model: ExportedModel): ReadonlyMap<string, string> {
  const { tokenizer } = model;
  if (tokenizer.kind === 'words') {
    return new Map([
      ['tokenizer.json', json(wholeWords(tokenizer.vocabulary))],
      ['tokenizer_config.json', json(wordsConfig(model))],
    ]);
  }
  const { vocabulary, settings } = tokenizer.tokenizer;
  return new Map([
    ['tokenizer.json', json(wholeWordPiece(vocabulary.tokens, settings))],
    ['tokenizer_config.json', json(wordPieceConfig(model, settings))],
    ['vocab.txt', `${vocabulary.tokens.join('\n')}\n`],
  ]);
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

interface Specials {
  readonly cls: string;
  readonly sep: string;
  /** All that a text may spell out, with their ids. */
  readonly all: readonly (readonly [token: string, id: number])[];
}

/** What both kinds have in common. */
function whole(
  specials: Specials,
  parts: { normalizer: object; preTokenizer: object; model: object },
): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.all.map(([content, id]) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    normalizer: parts.normalizer,
    pre_tokenizer: parts.preTokenizer,
    post_processor: template(specials),
    decoder: null,
    model: parts.model,
  };
}

/** `[CLS] $A [SEP]`, and `$B [SEP]` in segment 1 for a pair. */
function template({ cls, sep, all }: Specials): object {
  const special = (id: string, segment: number) => ({ SpecialToken: { id, type_id: segment } });
  const text = (id: string, segment: number) => ({ Sequence: { id, type_id: segment } });
  const single = [special(cls, 0), text('A', 0), special(sep, 0)];
  const ids = new Map(all);
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, text('B', 1), special(sep, 1)],
    special_tokens: Object.fromEntries(
      [cls, sep].map((token) => [token, { id: token, ids: [ids.get(token)], tokens: [token] }]),
    ),
  };
}

/** Ids by token. `fromEntries` makes own properties, whatever the token is called. */
function idsByToken(tokens: readonly string[]): object {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

function wholeWordPiece(tokens: readonly string[], { lowercase, stripAccents }: NormaliserSettings): object {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const all = SPECIAL_TOKENS.flatMap((token) => (ids.has(token) ? [[token, ids.get(token)!] as const] : []));
  return whole(
    { cls: '[CLS]', sep: '[SEP]', all: all.sort(([, a], [, b]) => a - b) },
    {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        // null means "what lowercase is".
        strip_accents: stripAccents === lowercase ? null : stripAccents,
        lowercase,
      },
      preTokenizer: { type: 'BertPreTokenizer' },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: CONTINUATION,
        max_input_chars_per_word: 100,
        vocab: idsByToken(tokens),
      },
    },
  );
}

/*
 * [Note: words as pieces]
 * The library of transformers.js has no WordLevel model. WordPiece is the same when no token can continue a word: words
 * never hold a space, so tokens never begin with one, and a word is either known as a whole or unknown. A word that is
 * longer than every token is unknown without being looked at.
 */
function wholeWords(vocabulary: Vocabulary): object {
  const { tokens } = vocabulary;
  const specials = [vocabulary.pad, vocabulary.unk, vocabulary.cls, vocabulary.sep, vocabulary.mask];
  const longest = tokens.reduce((most, token) => Math.max(most, [...token].length), 0);
  return whole(
    {
      cls: tokens[vocabulary.cls]!,
      sep: tokens[vocabulary.sep]!,
      all: specials.sort((a, b) => a - b).map((id) => [tokens[id]!, id] as const),
    },
    {
      normalizer: { type: 'Lowercase' },
      preTokenizer: { type: 'WhitespaceSplit' },
      model: {
        type: 'WordPiece',
        unk_token: tokens[vocabulary.unk],
        continuing_subword_prefix: ' ',
        max_input_chars_per_word: longest,
        vocab: idsByToken(tokens),
      },
    },
  );
}

function wordPieceConfig(
  { maxLen, config }: ExportedModel,
  { lowercase, stripAccents }: NormaliserSettings,
): object {
  return {
    tokenizer_class: config.segments === 0 ? 'DistilBertTokenizer' : 'BertTokenizer',
    do_lower_case: lowercase,
    strip_accents: stripAccents === lowercase ? null : stripAccents,
    tokenize_chinese_chars: true,
    model_max_length: maxLen,
    padding_side: 'right',
    truncation_side: 'right',
    ...{
      unk_token: '[UNK]',
      sep_token: '[SEP]',
      pad_token: '[PAD]',
      cls_token: '[CLS]',
      mask_token: '[MASK]',
    },
  };
}

/** The class is one that gives segments in transformers.js; what it does to text stands in tokenizer.json. */
function wordsConfig({ maxLen }: ExportedModel): object {
  return {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: true,
    model_max_length: maxLen,
    padding_side: 'right',
    truncation_side: 'right',
    ...{
      unk_token: '<unk>',
      sep_token: '<sep>',
      pad_token: '<pad>',
      cls_token: '<cls>',
      mask_token: '<mask>',
    },
  };
}
