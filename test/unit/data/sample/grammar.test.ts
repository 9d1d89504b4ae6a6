/** @file Tests. What the built-in sample's grammar says, and what follows from what. */
import { describe, expect, it } from 'vitest';
import {
  allScenes,
  labelOf,
  PHRASES,
  relationsOf,
  relationTables,
  type Scene,
  SLOTS,
  say,
} from '../../../../main/data/sample/grammar.ts';

const scenes = allScenes();
const tables = relationTables();

function scene(tokens: string): Scene {
  const found = scenes.find((candidate) => say(candidate).tokens === tokens);
  if (found === undefined) throw new Error(`The grammar does not say "${tokens}".`);
  return found;
}

const label = (premise: string, hypothesis: string) =>
  labelOf(relationsOf(scene(premise), scene(hypothesis), tables));

describe('labels', () => {
  it.each([
    ['A boy is eating a banana in the park .', 'A child is eating fruit outdoors .', 'entailment'],
    ['A boy is eating a banana in the park .', 'A person is eating .', 'entailment'],
    ['A queen is singing in the library .', 'A queen is in the library .', 'entailment'],
    ['A child is eating fruit outdoors .', 'A boy is eating fruit outdoors .', 'neutral'],
    ['A dog is sleeping .', 'A dog is sleeping in the garden .', 'neutral'],
    ['A puppy is on the beach .', 'A dog is running outdoors .', 'neutral'],
    ['A boy is singing indoors .', 'A girl is singing indoors .', 'contradiction'],
    ['A king is talking .', 'An animal is moving .', 'contradiction'],
    ['A child is dancing in the kitchen .', 'A boy is dancing outdoors .', 'contradiction'],
    ['A man is playing chess .', 'A king is playing cards indoors .', 'contradiction'],
  ])('%s / %s is %s', (premise, hypothesis, expected) => {
    expect(label(premise, hypothesis)).toBe(expected);
  });

  it('are mirrored by every relation: general one way is specific the other, same and exclusive stay', () => {
    const mirror = { same: 'same', general: 'specific', specific: 'general', exclusive: 'exclusive' };
    for (const slot of SLOTS) {
      for (const [one, row] of tables[slot].entries()) {
        for (const [other, relation] of row.entries()) {
          expect(tables[slot][other]![one]).toBe(mirror[relation]);
          expect(relation === 'same').toBe(one === other);
        }
      }
    }
  });

  it('entail transitively in every slot', () => {
    const follows = (slot: (typeof SLOTS)[number], from: number, to: number) =>
      ['same', 'general'].includes(tables[slot][from]![to]!);
    for (const slot of SLOTS) {
      const phrases = PHRASES[slot].map((_, phrase) => phrase);
      for (const one of phrases) {
        for (const two of phrases.filter((phrase) => follows(slot, one, phrase))) {
          for (const three of phrases.filter((phrase) => follows(slot, two, phrase))) {
            expect(follows(slot, one, three)).toBe(true);
          }
        }
      }
    }
  });
});

describe('sentences', () => {
  const sayings = scenes.map(say);

  it('are different for every scene', () => {
    expect(new Set(sayings.map(({ tokens }) => tokens)).size).toBe(scenes.length);
  });

  it('read as English: a capital, a full stop, and the article that the next word asks for', () => {
    for (const { raw, tokens } of sayings) {
      expect(raw).toMatch(/^An? [a-z]+ is [a-z ]+\.$/);
      expect(tokens).toBe(raw.replace('.', ' .'));
      expect(raw).not.toMatch(/\ba [aeiou]|\ban [^aeiou]/i);
    }
  });

  it('let only people do what only people do', () => {
    expect(sayings.map(({ raw }) => raw)).toContain('A king is playing chess outdoors.');
    expect(sayings.filter(({ raw }) => /^A (dog|bear|kitten) .*(chess|sing|talk)/.test(raw))).toEqual([]);
  });

  it('have binary brackets around exactly two parts, and the tokens inside', () => {
    for (const { binaryParse, tokens } of sayings) {
      expect(
        binaryParse
          .replaceAll(/[()]/g, '')
          .replaceAll(/\s{2,}/g, ' ')
          .trim(),
      ).toBe(tokens);
      let left = binaryParse;
      for (let before = ''; before !== left; ) {
        before = left;
        left = left.replace(/\( [^ ()]+ [^ ()]+ \)/, 'x');
      }
      expect(left).toBe('x');
    }
  });
});
