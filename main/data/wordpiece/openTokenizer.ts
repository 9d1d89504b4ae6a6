/** @file Node. Opens the tokenizer of a Hugging Face folder, of whichever of its files are there, if they agree. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import { lowerEach } from './characterClasses.ts';
import type { NormaliserSettings } from './normalise.ts';
import {
  checkAddedTokens,
  checkSpecialTokensMap,
  MAX_CONFIG_BYTES,
  parseTokenizerConfig,
  type TokenizerConfig,
} from './tokenizerConfig.ts';
import { badTokenizerFile, readTokenizerFile } from './tokenizerFile.ts';
import { MAX_TOKENIZER_JSON_BYTES, parseTokenizerJson } from './tokenizerJson.ts';
import { MAX_VOCABULARY_BYTES, parseVocabTxt } from './vocabTxt.ts';
import { WordPieceTokenizer } from './wordPieceTokenizer.ts';
import { SPECIAL_TOKENS, type WordPieceVocabulary } from './wordPieceVocabulary.ts';

export interface OpenedTokenizer {
  readonly tokenizer: WordPieceTokenizer;
  /** Longest pair in tokens that the folder's files name; null when they name none. */
  readonly maxLen: number | null;
}

const NOTHING_SAID: TokenizerConfig = {
  lowercase: null,
  stripAccents: null,
  maxLen: null,
  tokenIds: new Map(),
};

/**
 * @throws StudioError NOT_FOUND without vocab.txt and tokenizer.json; UNREADABLE; BAD_FILE when a file is not BERT's, or
 * two of them contradict each other (readers differ in which one they believe).
 */
export function openTokenizer(folder: string): OpenedTokenizer {
  const files = new TokenizerFolder(folder);
  const config = files.read('tokenizer_config.json', MAX_CONFIG_BYTES, parseTokenizerConfig) ?? NOTHING_SAID;
  files.read('special_tokens_map.json', MAX_CONFIG_BYTES, checkSpecialTokensMap);
  files.read('added_tokens.json', MAX_CONFIG_BYTES, checkAddedTokens);
  const list = files.read('vocab.txt', MAX_VOCABULARY_BYTES, parseVocabTxt);
  const whole = files.read('tokenizer.json', MAX_TOKENIZER_JSON_BYTES, parseTokenizerJson);
  const vocabulary = whole?.vocabulary ?? list;
  if (vocabulary === null) throw noVocabulary(folder);
  if (whole !== null && list !== null) requireSameTokens(whole.vocabulary, list, files.path('vocab.txt'));
  requireIds(config, vocabulary, files.path('tokenizer_config.json'));
  const settings =
    whole === null
      ? settingsOf(config, vocabulary, folder)
      : agreed(whole.settings, config, files.path('tokenizer_config.json'));
  return { tokenizer: new WordPieceTokenizer(vocabulary, settings), maxLen: config.maxLen };
}

class TokenizerFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** What `parse` makes of a file; null when there is no such file. */
  read<Result>(name: string, maxBytes: number, parse: (text: string, path: string) => Result): Result | null {
    const path = this.path(name);
    return existsSync(path) ? parse(readTokenizerFile(path, maxBytes), path) : null;
  }
}

/** Without tokenizer.json: as tokenizer_config.json says, or as the vocabulary leaves no doubt. */
function settingsOf(
  { lowercase, stripAccents }: TokenizerConfig,
  vocabulary: WordPieceVocabulary,
  folder: string,
): NormaliserSettings {
  if (lowercase !== null) return { lowercase, stripAccents: stripAccents ?? lowercase };
  const capital = vocabulary.tokens.find((token) => !token.startsWith('[') && isCapital(token));
  if (capital === undefined) return { lowercase: true, stripAccents: stripAccents ?? true };
  const message = `Nothing in ${folder} says whether its tokenizer lower-cases text.`;
  throw new StudioError('BAD_FILE', message, {
    nextStep: `Its vocabulary holds ${JSON.stringify(capital.slice(0, 40))}, so it is probably a cased one: put a tokenizer_config.json with {"do_lower_case": false} beside it.`,
    place: { file: folder },
  });
}

/** BERT's own uncased list has letters such as "ℝ", which have no small form. */
function isCapital(token: string): boolean {
  return /\p{Lu}/u.test(token) && lowerEach(token) !== token;
}

function agreed(settings: NormaliserSettings, config: TokenizerConfig, path: string): NormaliserSettings {
  const { lowercase, stripAccents } = config;
  if (lowercase !== null && lowercase !== settings.lowercase) {
    throw contradiction(path, 'do_lower_case', lowercase);
  }
  if (stripAccents !== null && stripAccents !== settings.stripAccents) {
    throw contradiction(path, 'strip_accents', stripAccents);
  }
  return settings;
}

function contradiction(path: string, setting: string, value: boolean): StudioError {
  const why = `its setting ${setting} is ${value}, but tokenizer.json beside it says the opposite`;
  return badTokenizerFile(path, why, {
    nextStep: 'Find out how the model was trained, and correct the file that is wrong.',
  });
}

function requireSameTokens(whole: WordPieceVocabulary, list: WordPieceVocabulary, path: string): void {
  if (whole.hash === list.hash) return;
  const at = list.tokens.findIndex((token, id) => whole.tokens[id] !== token);
  const id = at < 0 ? list.size : at;
  const shown = (token: string | undefined) => (token === undefined ? 'nothing' : JSON.stringify(token));
  throw badTokenizerFile(
    path,
    `id ${id} is ${shown(list.tokens[id])} in it, but ${shown(whole.tokens[id])} in tokenizer.json beside it`,
    { nextStep: 'Take both files from the same model, or remove the one that does not belong to it.' },
  );
}

function requireIds({ tokenIds }: TokenizerConfig, vocabulary: WordPieceVocabulary, path: string): void {
  const wrong = SPECIAL_TOKENS.find((token) => {
    const claimed = tokenIds.get(token);
    return claimed !== undefined && claimed !== vocabulary.id(token);
  });
  if (wrong === undefined) return;
  const known = vocabulary.id(wrong);
  const says = known === undefined ? 'lacks it' : `has it as ${known}`;
  throw badTokenizerFile(
    path,
    `its setting added_tokens_decoder gives ${wrong} the id ${tokenIds.get(wrong)}, but the vocabulary ${says}`,
  );
}

function noVocabulary(folder: string): StudioError {
  return new StudioError('NOT_FOUND', `${folder} has neither vocab.txt nor tokenizer.json.`, {
    nextStep: "Put the tokenizer's files of the model beside its weights.",
    place: { file: folder },
  });
}
