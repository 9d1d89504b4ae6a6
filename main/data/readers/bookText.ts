/** @file Runs anywhere. The text of a sentence as the book's program takes it from SNLI's parse columns. */

/** What Python's `\s` and `str.strip()` take for whitespace; JavaScript's `\s` differs in U+001C to U+001F, U+0085 and U+FEFF. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const PARENTHESES = /[()]/g;
const SPACES = new RegExp(`[${SPACE}]{2,}`, 'g');
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'g');

/**
 * The book's `extract_text`: every parenthesis is deleted, two or more whitespace characters become one space, and
 * whitespace at both ends goes. `( ( A man ) ( sleeps . ) )` becomes "A man sleeps .".
 */
export function extractText(parse: string): string {
  return parse.replace(PARENTHESES, '').replace(SPACES, ' ').replace(ENDS, '');
}

/** Text that is split already: its words joined by one space. */
export function joinWords(text: string): string {
  return text.replace(SPACES, ' ').replace(ENDS, '');
}
