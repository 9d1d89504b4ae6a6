/** @file Node. What `JSON.parse` lets pass and an untrusted header may not hold. */

/**
 * Looks through text that `JSON.parse` has accepted for an object with the same key twice (readers differ in which
 * they take, so a file could mean two things), and for a number that is not a plain whole one (no sign, fraction or
 * exponent).
 * @returns what is wrong, as the end of a sentence; null when nothing is
 */
export function doubtfulJson(text: string): string | null {
  /** Keys of each open object, innermost last; null for an array. */
  const open: (Set<string> | null)[] = [];
  let at = 0;
  while (at < text.length) {
    const sign = text[at]!;
    if (sign === '"') {
      const end = stringEnd(text, at);
      if (isKey(text, end)) {
        const key: string = JSON.parse(text.slice(at, end));
        const keys = open.at(-1);
        if (keys?.has(key) === true) return `the name ${JSON.stringify(key)} stands in it twice`;
        keys?.add(key);
      }
      at = end;
    } else if (sign === '-' || (sign >= '0' && sign <= '9')) {
      const [number] = NUMBER.exec(text.slice(at, at + 400)) ?? [sign];
      if (!WHOLE.test(number)) return `${number.slice(0, 30)} is not a whole number`;
      at += number.length;
    } else {
      if (sign === '{') open.push(new Set());
      if (sign === '[') open.push(null);
      if (sign === '}' || sign === ']') open.pop();
      at += 1;
    }
  }
  return null;
}

const NUMBER = /^[-+.0-9eE]+/;
const WHOLE = /^[0-9]+$/;

/** The index after the closing quote. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Whether a colon comes next, blanks aside. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1;
  return text[at] === ':';
}
