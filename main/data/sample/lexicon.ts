/**
 * @file Runs anywhere. The words of the built-in sample: three trees (who, does what, where) in which a phrase stands
 * below every phrase that is true whenever it is. Two phrases of one tree exclude each other unless one is above the
 * other: a scene has one actor, who does one thing in one place.
 */

/** A phrase and what it is a kind of; `parent: null` stands directly below "nothing said". */
export interface Phrase {
  /** Penn Treebank tokens joined by one space. */
  readonly text: string;
  readonly parent: string | null;
  /** Set on activities that a reader would find odd of an animal. */
  readonly peopleOnly?: boolean;
}

const phrase = (text: string, parent: string | null = null): Phrase => ({ text, parent });
const human = (text: string, parent: string | null = null): Phrase => ({ text, parent, peopleOnly: true });

export const PERSON = 'a person';

/** Always said; the subject of the sentence. */
export const ACTORS: readonly Phrase[] = [
  phrase(PERSON),
  phrase('a child', PERSON),
  phrase('a boy', 'a child'),
  phrase('a girl', 'a child'),
  phrase('an adult', PERSON),
  phrase('a man', 'an adult'),
  phrase('a king', 'a man'),
  phrase('a woman', 'an adult'),
  phrase('a queen', 'a woman'),
  phrase('an animal'),
  phrase('a dog', 'an animal'),
  phrase('a puppy', 'a dog'),
  phrase('a cat', 'an animal'),
  phrase('a kitten', 'a cat'),
  phrase('a horse', 'an animal'),
  phrase('a pony', 'a horse'),
  phrase('a bear', 'an animal'),
  phrase('a monkey', 'an animal'),
];

/** What follows "is"; may be left unsaid. */
export const ACTIVITIES: readonly Phrase[] = [
  phrase('eating'),
  phrase('eating fruit', 'eating'),
  phrase('eating a banana', 'eating fruit'),
  phrase('eating cake', 'eating'),
  phrase('drinking'),
  phrase('drinking milk', 'drinking'),
  phrase('drinking water', 'drinking'),
  phrase('sleeping'),
  phrase('snoring', 'sleeping'),
  phrase('moving'),
  phrase('walking', 'moving'),
  phrase('running', 'moving'),
  phrase('jumping', 'moving'),
  phrase('dancing', 'moving'),
  human('talking'),
  human('whispering', 'talking'),
  human('shouting', 'talking'),
  human('making music'),
  human('singing', 'making music'),
  human('drumming', 'making music'),
  human('playing a game'),
  human('playing chess', 'playing a game'),
  human('playing cards', 'playing a game'),
];

/** Where it happens; may be left unsaid. */
export const PLACES: readonly Phrase[] = [
  phrase('outdoors'),
  phrase('in the park', 'outdoors'),
  phrase('in the garden', 'outdoors'),
  phrase('on the beach', 'outdoors'),
  phrase('in the forest', 'outdoors'),
  phrase('indoors'),
  phrase('in the kitchen', 'indoors'),
  phrase('in the bedroom', 'indoors'),
  phrase('in the library', 'indoors'),
];
