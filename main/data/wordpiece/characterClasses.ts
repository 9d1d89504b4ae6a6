/** @file Runs anywhere. The reference's classes of characters as regular expressions, and its way to lower-case and decompose. */
import { REFERENCE_TABLES as TABLES } from './referenceTables.ts';

/*
 * [Note: the reference's Unicode]
 * The reference tokenizer asks tables of several Unicode versions, some of them old, what a character is. Node's own
 * tables (`\p{P}`, `\p{Mn}`) are of another version, and of yet another one in Electron or in next year's Node. So
 * every class is written out (referenceTables.ts, made by test/golden/make_wordpiece.py by asking the reference about
 * every code point). `normalize` and `toLowerCase` are only used on characters whose result can never change: Unicode
 * promises that for assigned characters, and the table leaves out what the reference does not know.
 */

/** "41-5a 1f600" as the inside of a class: \u{41}-\u{5a}\u{1f600}. */
function classOf(ranges: string): string {
  return ranges
    .split(' ')
    .map((range) => range.replace(/[0-9a-f]+/g, '\\u{$&}'))
    .join('');
}

const PUNCTUATION = classOf(TABLES.punctuation);

/** Control, format, private use, lone surrogates, U+FFFD: the reference removes them before anything else. */
export const DROPPED = new RegExp(`[${classOf(TABLES.dropped)}]+`, 'gu');
/** What becomes a plain space; vertical tab, form feed and U+0085 are not among it, they are dropped. */
export const SPACES = new RegExp(`[${classOf(TABLES.spaces)}]`, 'gu');
/** The ideographs that stand alone; not every block of them does. */
export const IDEOGRAPHS = new RegExp(`[${classOf(TABLES.ideographs)}]`, 'gu');
/** Combining marks that go when accents are stripped. */
const MARKS = new RegExp(`[${classOf(TABLES.marks)}]+`, 'gu');
/** One punctuation mark, or as many other characters as follow each other, in text whose only white space is " ". */
export const WORDS = new RegExp(`[${PUNCTUATION}]|[^ ${PUNCTUATION}]+`, 'gu');

/** Those of them that canonical ordering moves about; other marks hold up the moving ones. */
const MOVING_MARKS = new RegExp(`[${classOf(TABLES.movingMarks)}]+`, 'gu');
const DECOMPOSED = new RegExp(`[${classOf(TABLES.decomposed)}]+`, 'gu');
const LOWERED = new RegExp(`[${classOf(TABLES.lowered)}]+`, 'gu');
const LATE_CAPITALS: ReadonlyMap<string, string> = new Map(
  TABLES.lateCapitals.split(' ').map((pair): [string, string] => {
    const [capital, small] = pair.split('>').map((code) => String.fromCodePoint(Number.parseInt(code, 16)));
    return [capital!, small!];
  }),
);
const LATE = new RegExp(`[${[...LATE_CAPITALS.keys()].join('')}]`, 'gu');

/**
 * Canonical decomposition (NFD) without the combining marks. What stands between the runs neither decomposes nor moves.
 * Marks that would be moved and then go can go at once, and must: putting a long run of them in order takes the square
 * of its length.
 */
export function withoutAccents(text: string): string {
  return text
    .replace(MOVING_MARKS, '')
    .replace(DECOMPOSED, (run) => run.normalize('NFD'))
    .replace(MARKS, '');
}

/** Lower case code point by code point: a sigma at the end of a word is a sigma like any other. */
export function lowerEach(text: string): string {
  return text
    .replace(LOWERED, (run) => run.replaceAll('\u03a3', '\u03c3').toLowerCase())
    .replace(LATE, (capital) => LATE_CAPITALS.get(capital)!);
}
