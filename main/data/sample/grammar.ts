/**
 * @file Runs anywhere. The grammar of the built-in sample: scenes (who, does what, where), the sentence each one is
 * said with, and the rule that gives a pair of scenes its label.
 */
import type { SNLI_LABELS } from '../../../shared/datasets.ts';
import { ACTIVITIES, ACTORS, type Phrase, PLACES } from './lexicon.ts';

export const SLOTS = ['actor', 'activity', 'place'] as const;
export type Slot = (typeof SLOTS)[number];

/** One sentence's meaning: an index into each slot's tree; 0 in `activity` and `place` means "not said". */
export type Scene = Readonly<Record<Slot, number>>;

/** What the hypothesis' phrase is, seen from the premise's. */
export type Relation = 'same' | 'general' | 'specific' | 'exclusive';

export type SampleLabel = (typeof SNLI_LABELS)[number];

const NOTHING: Phrase = { text: '', parent: null };

/** The phrases of each slot; a scene's numbers are positions in these lists. */
export const PHRASES: Readonly<Record<Slot, readonly Phrase[]>> = {
  actor: ACTORS,
  activity: [NOTHING, ...ACTIVITIES],
  place: [NOTHING, ...PLACES],
};

/** A phrase, then everything it is a kind of, up to "nothing said" where the slot may be left out. */
function lineage(slot: Slot, index: number): readonly string[] {
  const phrases = PHRASES[slot];
  const texts: string[] = [];
  for (let text: string | null = phrases[index]!.text; text !== null; ) {
    texts.push(text);
    text = phrases.find((phrase) => phrase.text === text)!.parent;
  }
  return slot === 'actor' || texts.includes('') ? texts : [...texts, ''];
}

/** `table[premise][hypothesis]`: the relation of every two phrases of a slot. */
export type RelationTable = readonly (readonly Relation[])[];
export type RelationTables = Readonly<Record<Slot, RelationTable>>;

function relationTable(slot: Slot): RelationTable {
  const lineages = PHRASES[slot].map((_, index) => lineage(slot, index));
  return lineages.map((premise) =>
    lineages.map((hypothesis): Relation => {
      if (premise[0] === hypothesis[0]) return 'same';
      if (premise.includes(hypothesis[0]!)) return 'general';
      return hypothesis.includes(premise[0]!) ? 'specific' : 'exclusive';
    }),
  );
}

/** The relations of all three slots, made once by whoever compares many scenes. */
export function relationTables(): RelationTables {
  return {
    actor: relationTable('actor'),
    activity: relationTable('activity'),
    place: relationTable('place'),
  };
}

/** The label of a pair: one exclusive slot contradicts; else one more specific slot is neutral; else it follows. */
export function labelOf(relations: readonly Relation[]): SampleLabel {
  if (relations.includes('exclusive')) return 'contradiction';
  return relations.includes('specific') ? 'neutral' : 'entailment';
}

/** The relations of two scenes, slot by slot. */
export function relationsOf(premise: Scene, hypothesis: Scene, tables: RelationTables): readonly Relation[] {
  return SLOTS.map((slot) => tables[slot][premise[slot]]![hypothesis[slot]]!);
}

function isPerson(actor: number): boolean {
  return !lineage('actor', actor).includes('an animal');
}

/** Every scene that can be said: something besides the actor, and nothing that is odd of an animal. */
export function allScenes(): readonly Scene[] {
  const scenes: Scene[] = [];
  for (let actor = 0; actor < PHRASES.actor.length; actor++) {
    const person = isPerson(actor);
    for (const [activity, { peopleOnly }] of PHRASES.activity.entries()) {
      if (peopleOnly === true && !person) continue;
      for (let place = activity === 0 ? 1 : 0; place < PHRASES.place.length; place++) {
        scenes.push({ actor, activity, place });
      }
    }
  }
  return scenes;
}

/** Brackets that branch to the right, as `( in ( the park ) )`; one part stays as it is. */
function bracketed(parts: readonly string[]): string {
  return parts.reduceRight((right, left) => `( ${left} ${right} )`);
}

/** A scene's sentence in the forms that SNLI keeps. */
export interface Saying {
  /** As a person writes it: `A boy is eating a banana in the park.` */
  readonly raw: string;
  /** Penn Treebank tokens: the same with a space before the full stop. */
  readonly tokens: string;
  /** The tokens in binary brackets; taking the brackets away gives the tokens. */
  readonly binaryParse: string;
}

export function say(scene: Scene): Saying {
  const [actor, activity, place] = SLOTS.map((slot) => PHRASES[slot][scene[slot]]!.text.split(' '));
  const subject = actor!.with(0, actor![0]![0]!.toUpperCase() + actor![0]!.slice(1));
  const said = [activity!, place!].filter(([first]) => first !== '');
  const words = [...subject, 'is', ...said.flat()].join(' ');
  const predicate = bracketed(['is', bracketed(said.map(bracketed))]);
  return {
    raw: `${words}.`,
    tokens: `${words} .`,
    binaryParse: bracketed([bracketed(subject), predicate, '.']),
  };
}
