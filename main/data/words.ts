/** @file Runs anywhere under Node. Words as Python's `str.lower` and `str.split` make them, which is how the book tokenizes. */

/** True for the characters at which Python's `str.split()` splits; JavaScript's `\s` differs in U+001C to U+001F, U+0085 and U+FEFF. */
function isWhitespace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code >= 0x1c;
  if (code < 0x85) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/** `sentence.lower().split()`: the words of a sentence, in order. Takes time linear in the length. */
export function lowerWords(sentence: string): string[] {
  return splitWords(sentence.toLowerCase());
}

/** `sentence.split()`: as `lowerWords`, as many words, in the case they are in. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let start = -1;
  for (let at = 0; at < text.length; at++) {
    if (isWhitespace(text.charCodeAt(at))) {
      if (start >= 0) words.push(text.slice(start, at));
      start = -1;
    } else if (start < 0) start = at;
  }
  if (start >= 0) words.push(text.slice(start));
  return words;
}

/**
 * Order of Python's `sorted` on strings: by code point. JavaScript's `<` orders by UTF-16 unit, which puts
 * U+10000 and above before U+E000 to U+FFFF.
 */
export function compareCodePoints(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Moves surrogates above every other unit, so that units compare as their code points do. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
