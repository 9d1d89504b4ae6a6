/**
 * @file Runs anywhere under Node. From lines of text to paragraphs of sentences of words, lower-cased: WikiText's layout
 * as the book reads it (book.md 7), and plain text by a rule of our own.
 */
import type { TextLayout } from '../../../shared/texts.ts';
import { tokenizeTreebank } from '../treebankTokenizer.ts';
import { lowerWords, splitWords } from '../words.ts';

/** Words of the sentences of one paragraph. */
export type Paragraph = readonly (readonly string[])[];

/** How a text is read. */
export interface ParagraphReader {
  /** Takes a line without its end; gives the paragraph that it completes. */
  line(text: string): Paragraph | null;
  end(): Paragraph | null;
}

export function paragraphReader(layout: TextLayout): ParagraphReader {
  return layout === 'wikitext' ? { line: wikitextParagraph, end: () => null } : new PlainReader();
}

/**
 * The book's `_read_wiki`: a line counts when " . " divides it, its end included; then it is stripped, lower-cased and
 * divided. (So the last sentence keeps its period, and a line of one sentence is a paragraph of one.) A sentence without
 * words is none.
 */
function wikitextParagraph(line: string): Paragraph | null {
  if (!`${line}\n`.includes(' . ') && !/ \.\s*$/.test(line)) return null;
  const sentences = line
    .trim()
    .toLowerCase()
    .split(' . ')
    .map(splitWords)
    .filter((words) => words.length > 0);
  return sentences.length === 0 ? null : sentences;
}

/** Paragraphs are divided by empty lines. */
class PlainReader implements ParagraphReader {
  #lines: string[] = [];

  line(text: string): Paragraph | null {
    if (text.trim() !== '') {
      this.#lines.push(text);
      return null;
    }
    return this.end();
  }

  end(): Paragraph | null {
    const text = this.#lines.join(' ');
    this.#lines = [];
    const sentences = plainSentences(text)
      .map((sentence) => lowerWords(tokenizeTreebank(sentence)))
      .filter((words) => words.length > 0);
    return sentences.length === 0 ? null : sentences;
  }
}

/** The end of a sentence: . ! ? or …, what closes with it, and white space before anything but a small letter. */
const SENTENCE_END = /[.!?\u2026]+["'\u201d\u2019)\]]*\s+(?!\p{Ll})/gu;
/** After these, and after a single capital letter (an initial), a period ends no sentence. */
const NO_END =
  /(?:^|[\s("'\u201c\u2018[])(?:\p{Lu}|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|No|Nos|Vol|Fig|Figs|p|pp|vs|cf|ca|al|e\.g|i\.e|approx|est|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\.\s+$/u;

/** The sentences of a paragraph of plain text. */
export function plainSentences(paragraph: string): string[] {
  const sentences: string[] = [];
  let begin = 0;
  for (const match of paragraph.matchAll(SENTENCE_END)) {
    const end = match.index + match[0].length;
    const near = paragraph.slice(Math.max(begin, end - 24), end);
    if (NO_END.test(near)) continue;
    sentences.push(paragraph.slice(begin, end).trim());
    begin = end;
  }
  const rest = paragraph.slice(begin).trim();
  return rest === '' ? sentences : [...sentences, rest];
}
