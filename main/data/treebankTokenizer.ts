/** @file Runs anywhere. Splits a raw English sentence into Penn Treebank tokens, as SNLI's own parses were split. */
import { ABBREVIATIONS, AMBIGUOUS_ABBREVIATIONS, ASSIMILATED, SYMBOLS } from './treebankLexicon.ts';

/*
 * [Note: which tokenizer this follows]
 * SNLI's parses were made with the Stanford parser 3.5.2 under its default, Treebank-like settings: quotes become
 * `` and '', brackets -LRB- and -RRB-, clitics ('s, n't) are tokens of their own, "cannot" is two tokens, hyphenated
 * words are one (he/she too), an abbreviation that ends the sentence is followed by a period of its own. Written from
 * that documented behaviour and compared with SNLI's parses; spelling is never changed and slashes are not escaped.
 * A word keeps a hyphen at its end, as in the Treebank itself ("mid- to late-1980s").
 */

/** Letters and digits of one word, with their combining marks. */
const RUN = String.raw`[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*`;
/** The word goes on here. */
const MORE = String.raw`[\p{L}\p{M}\p{N}_]`;
/** What may stand between two runs of one token; an apostrophe only when what follows is no clitic (o'clock). */
const JOINTS = [
  String.raw`[-\u2010\u2011](?=${MORE})`,
  String.raw`'(?!(?:[smdtSMDT]|re|RE|ve|VE|ll|LL)(?!${MORE}))(?=\p{L})`,
  String.raw`(?<=\p{L})\.(?=\p{L})`,
  String.raw`(?<=\p{N})[.,:](?=\p{N})`,
  String.raw`\/(?=${MORE})`,
  String.raw`(?<=\p{Lu})&(?=\p{Lu})`,
];
const WORD = new RegExp(`${RUN}(?:(?:${JOINTS.join('|')})${RUN})*`, 'uy');
/** By far the most common word, and a cheap expression for it. */
const PLAIN_WORD = /[A-Za-z]+(?=[ ,]|\.?$)/uy;
const ADDRESS =
  /(?:https?:\/\/|www\.)[^\s"<>()]*[^\s"<>().,;:!?']|[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/uy;
const CLITIC = new RegExp(`'(?:[smdSMD]|re|RE|ve|VE|ll|LL)(?!${MORE})`, 'uy');
const NOT = new RegExp(`'[tT](?!${MORE})`, 'uy');
const TIS = new RegExp(`('[tT])(is|was|IS|WAS)(?!${MORE})`, 'uy');
/** Words that begin with an apostrophe: 'em, 'n', the '90s. */
const ELIDED = new RegExp(
  String.raw`'(?:[nN]'|(?:[eE]m|[tT]ill?|[cC]ause|[bB]out|[rR]ound|\p{N}\p{N}s?)(?!${MORE}))`,
  'uy',
);
const SIGNED_NUMBER = /[-+]?\.?\p{N}+(?:[.,]\p{N}+)*(?![\p{L}\p{N}-])/uy;
const TAG = /[@#][\p{L}_][\p{L}\p{M}\p{N}_]*/uy;
const FACE = /[:;=]['-]?[()DPp](?=\s|$)/uy;
const DOTS = /\.{3,}|\u2026|\.(?: \.){2,}/uy;
/** A bracket in text that is split already. */
const ESCAPED_BRACKET = /-[LR][RSC]B-/uy;
const DASHES = /-{2,}|[\u2012-\u2015]/uy;
const SHOUT = /[!?]+/uy;
const TEXT_ENDS = /["'\u201D\u2019)\]\s]*$/uy;
const CAPITAL_FOLLOWS = /\s*["'\u201C\u2018(]?[\p{Lu}\p{N}]/uy;
const WORD_CHARACTER = /[\p{L}\p{N}]/u;
/** One visible character with its marks, or one emoji of several code points. */
const SYMBOL = /\p{RGI_Emoji}|\P{M}\p{M}*|\p{M}+/vy;
const OPENING_QUOTES = '\u201C\u201E\u201F\u00AB';
const CLOSING_QUOTES = '\u201D\u00BB';

/** A sentence on its way to tokens: the text, how far it is read, and whether a straight quote stands open. */
interface Scan {
  readonly text: string;
  readonly tokens: string[];
  at: number;
  quoteOpen: boolean;
}

/**
 * Penn Treebank tokens of one raw sentence, joined by one space: `The man's "hot" dog (a pug).` becomes
 * "The man 's `` hot '' dog -LRB- a pug -RRB- .". Empty for text without a visible character.
 * Takes time linear in the length; never throws.
 */
export function tokenizeTreebank(raw: string): string {
  const scan: Scan = { text: plainPunctuation(raw), tokens: [], at: 0, quoteOpen: false };
  while (scan.at < scan.text.length) {
    const character = scan.text[scan.at]!;
    if (character === ' ') scan.at += 1;
    else if (!readWord(scan) && !readPunctuation(scan, character)) readSymbol(scan);
  }
  return scan.tokens.join(' ');
}

/** One kind of apostrophe, one kind of space, and no character references: what the rules below rely on. */
function plainPunctuation(raw: string): string {
  let text = raw;
  if (text.includes('&'))
    text = text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&apos;', "'");
  return text
    .replace(
      /(?<=\p{L})[\u2019\u02BC\u2018](?=\p{L})|[\u2019\u02BC](?=\p{L}{1,2}(?!\p{L}))|[\u2018\u2019\u02BC](?=\p{N}\p{N}s)/gu,
      "'",
    )
    .replace(/[\s\p{Cc}\u200B\uFEFF]+/gu, ' ');
}

/** The text that a sticky expression matches here, or null; moves on when it matches. */
function take(scan: Scan, expression: RegExp): string | null {
  expression.lastIndex = scan.at;
  const found = expression.exec(scan.text);
  if (found === null) return null;
  scan.at += found[0].length;
  return found[0];
}

/** True when the expression matches right after the next `skip` characters. */
function follows(scan: Scan, expression: RegExp, skip = 0): boolean {
  expression.lastIndex = scan.at + skip;
  return expression.test(scan.text);
}

function readWord(scan: Scan): boolean {
  const plain = take(scan, PLAIN_WORD);
  if (plain !== null && (plain.length > 1 || scan.text[scan.at] !== '.')) {
    pushWord(scan, plain);
    return true;
  }
  if (plain !== null) scan.at -= plain.length;
  const address = take(scan, ADDRESS);
  if (address !== null) return pushAll(scan, [address]);
  const word = take(scan, WORD);
  if (word === null) return false;
  pushWord(scan, word);
  return true;
}

/** A word with what is attached to its end: n't, the period of an abbreviation, a suspended hyphen. */
function pushWord(scan: Scan, word: string): void {
  const next = scan.text[scan.at];
  if (next === "'" && /[nN]$/.test(word) && follows(scan, NOT)) {
    const negation = word.slice(-1) + scan.text.slice(scan.at, scan.at + 2);
    scan.at += 2;
    pushAll(scan, word.length > 1 ? [word.slice(0, -1), negation] : [negation]);
  } else if (next === '.' && keepsPeriod(scan, word)) {
    scan.tokens.push(`${word}.`);
    // The period that ends the sentence is a token of its own, as the Stanford tokenizer has it.
    if (!follows(scan, TEXT_ENDS, 1)) scan.at += 1;
  } else if (next === '-' && scan.text[scan.at + 1] !== '-') {
    scan.tokens.push(`${word}-`);
    scan.at += 1;
  } else {
    const cut = ASSIMILATED.get(word.toLowerCase());
    pushAll(scan, cut === undefined ? [word] : [word.slice(0, cut), word.slice(cut)]);
  }
}

/** Whether the period after this word belongs to it: U.S., Mr., J. Smith, St. Louis. */
function keepsPeriod(scan: Scan, word: string): boolean {
  if (/^\p{L}(?:\.\p{L})+$/u.test(word)) return true;
  const lower = word.toLowerCase();
  if (ABBREVIATIONS.has(lower)) return true;
  const initial = /^\p{Lu}$/u.test(word) && word !== 'I';
  return (
    (initial || AMBIGUOUS_ABBREVIATIONS.has(lower)) &&
    /^\p{Lu}/u.test(word) &&
    follows(scan, CAPITAL_FOLLOWS, 1)
  );
}

function readPunctuation(scan: Scan, character: string): boolean {
  if (character === "'") return readApostrophe(scan);
  if (character === '"' || OPENING_QUOTES.includes(character) || CLOSING_QUOTES.includes(character)) {
    return readDoubleQuote(scan, character);
  }
  if (character === '`' && scan.text[scan.at + 1] === '`') return pushTaken(scan, '``', '``');
  const dots = take(scan, DOTS);
  if (dots !== null) return pushAll(scan, ['...']);
  const face = take(scan, FACE);
  if (face !== null) return pushAll(scan, [face.replace('(', '-LRB-').replace(')', '-RRB-')]);
  const number = startsToken(scan) ? take(scan, SIGNED_NUMBER) : null;
  if (number !== null) return pushAll(scan, [number]);
  const bracket = take(scan, ESCAPED_BRACKET);
  if (bracket !== null) return pushAll(scan, [bracket]);
  const dashes = take(scan, DASHES);
  if (dashes !== null) return pushAll(scan, ['--']);
  const other = take(scan, SHOUT) ?? take(scan, TAG);
  return other !== null && pushAll(scan, [other]);
}

/** 's and its like, 'tis, 'em, or a single quote mark: opening before a word, closing otherwise. */
function readApostrophe(scan: Scan): boolean {
  const before = scan.text[scan.at - 1];
  const attached = before !== undefined && before !== ' ';
  if (scan.text.startsWith("''", scan.at)) return pushTaken(scan, "''", "''");
  const clitic = take(scan, CLITIC);
  if (clitic !== null) return pushAll(scan, [clitic]);
  TIS.lastIndex = scan.at;
  const tis = TIS.exec(scan.text);
  if (tis !== null) {
    scan.at += tis[0].length;
    return pushAll(scan, [tis[1]!, tis[2]!]);
  }
  const elided = attached ? null : take(scan, ELIDED);
  if (elided !== null) return pushAll(scan, [elided]);
  const opens = !attached && WORD_CHARACTER.test(scan.text[scan.at + 1] ?? '');
  return pushTaken(scan, "'", opens ? '`' : "'");
}

/** Opening when it stands before a word, closing after one; between spaces it closes what is open. */
function readDoubleQuote(scan: Scan, character: string): boolean {
  const before = scan.text[scan.at - 1] ?? ' ';
  const after = scan.text[scan.at + 1] ?? ' ';
  let opens = !scan.quoteOpen;
  if (OPENING_QUOTES.includes(character)) opens = true;
  else if (CLOSING_QUOTES.includes(character)) opens = false;
  else if (' ([{'.includes(before) !== (after === ' ')) opens = after !== ' ';
  scan.quoteOpen = opens;
  return pushTaken(scan, character, opens ? '``' : "''");
}

/** Anything else is a token of its own. */
function readSymbol(scan: Scan): void {
  const symbol = take(scan, SYMBOL) ?? scan.text[scan.at++]!;
  scan.tokens.push(SYMBOLS.get(symbol) ?? symbol);
}

/** True when nothing is attached before: "-5" is a number there, but not in "10-5". */
function startsToken(scan: Scan): boolean {
  const before = scan.text[scan.at - 1];
  return before === undefined || ' $#("'.includes(before);
}

function pushAll(scan: Scan, tokens: readonly string[]): true {
  for (const token of tokens) scan.tokens.push(token);
  return true;
}

function pushTaken(scan: Scan, taken: string, token: string): true {
  scan.at += taken.length;
  scan.tokens.push(token);
  return true;
}
