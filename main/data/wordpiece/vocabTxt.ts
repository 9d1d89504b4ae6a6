/** @file Runs anywhere. BERT's vocab.txt: a token a line, its id the number of the line counted from 0. */
import { badTokenizerFile } from './tokenizerFile.ts';
import { WordPieceVocabulary } from './wordPieceVocabulary.ts';

/** BERT's own vocabularies have 21,128 to 119,547 tokens, in at most a megabyte. */
export const MAX_VOCABULARY_BYTES = 16 << 20;
export const MAX_TOKENS = 1_000_000;
export const MAX_TOKEN_LENGTH = 1000;

/**
 * @param path for messages.
 * @throws StudioError BAD_FILE for a line that is empty, endless or stands twice, and for a missing special token.
 */
export function parseVocabTxt(text: string, path: string): WordPieceVocabulary {
  const lines = text.split('\n', MAX_TOKENS + 2);
  // What follows the last line break is no line; neither are empty lines at the end, which editors leave.
  while (lines.length > 0 && isBlank(lines.at(-1)!)) lines.pop();
  if (lines.length === 0) throw badTokenizerFile(path, 'it holds no token');
  if (lines.length > MAX_TOKENS) {
    throw badTokenizerFile(path, `it has more than ${MAX_TOKENS.toLocaleString('en')} lines`);
  }
  return new WordPieceVocabulary(
    lines.map((line, at) => tokenOf(line, at + 1, path)),
    path,
  );
}

/** The reference cuts white space at the end of a line; a token of nothing else only holds its id, and is kept. */
function tokenOf(line: string, lineNumber: number, path: string): string {
  if (isBlank(line)) throw badTokenizerFile(path, `line ${lineNumber} is empty`);
  if (line.length > MAX_TOKEN_LENGTH) {
    throw badTokenizerFile(path, `line ${lineNumber} has ${line.length} characters, which is no token`);
  }
  const end = textEnd(line);
  return end === 0 ? line : line.slice(0, end);
}

function isBlank(line: string): boolean {
  return line === '' || line === '\r';
}

/** Where the white space at the end begins. A loop, because an expression would look at it once for every character of it. */
function textEnd(line: string): number {
  let end = line.length;
  while (end > 0 && WHITE_SPACE.test(line[end - 1]!)) end -= 1;
  return end;
}

/** Unicode's White_Space; JavaScript's `\s` lacks U+0085 and has U+FEFF. */
const WHITE_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
