/** @file Tests. How texts are divided into paragraphs, sentences and words. */
import { describe, expect, it } from 'vitest';
import {
  type Paragraph,
  paragraphReader,
  plainSentences,
} from '../../../../main/data/pretraining/sentences.ts';
import type { TextLayout } from '../../../../shared/texts.ts';

function paragraphs(layout: TextLayout, text: string): Paragraph[] {
  const reader = paragraphReader(layout);
  const found = [...text.split('\n').map((line) => reader.line(line)), reader.end()];
  return found.filter((paragraph) => paragraph !== null);
}

const joined = (found: readonly Paragraph[]) => found.map((one) => one.map((words) => words.join(' ')));

describe('WikiText', () => {
  it('divides lines at " . ", as the book does, and keeps the last sentence\'s period', () => {
    const text =
      ' \n = Robert <unk> = \n \n Robert is an actor . He plays Simon . It ended . \n One alone . \n';
    expect(joined(paragraphs('wikitext', text))).toEqual([
      ['robert is an actor', 'he plays simon', 'it ended .'],
      ['one alone .'],
    ]);
  });

  it('leaves out sentences without a word', () => {
    expect(joined(paragraphs('wikitext', ' A .  . B . '))).toEqual([['a', 'b .']]);
  });
});

describe('plain text', () => {
  it('divides paragraphs at empty lines and splits words as the treebank does', () => {
    const text = 'Two dogs\nrun. They don\'t stop!\n \n\n"Why?" she asked. Nobody knew.';
    expect(joined(paragraphs('plain', text))).toEqual([
      ['two dogs run .', "they do n't stop !"],
      ["`` why ? '' she asked .", 'nobody knew .'],
    ]);
  });

  it.each([
    ['Mr. Smith met Dr. Jones. They talked.', ['Mr. Smith met Dr. Jones.', 'They talked.']],
    ['It cost 3.50 in No. 7. J. R. Hall paid.', ['It cost 3.50 in No. 7.', 'J. R. Hall paid.']],
    ['He left (at last.) Then rain fell.', ['He left (at last.)', 'Then rain fell.']],
    ['What?! No… Yes. and so on', ['What?!', 'No…', 'Yes. and so on']],
    ['No end at all', ['No end at all']],
    ['', []],
  ])('%s', (text, expected) => {
    expect(plainSentences(text)).toEqual(expected);
  });
});
