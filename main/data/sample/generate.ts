/**
 * @file Runs anywhere. Draws the pairs of the built-in sample. Each hypothesis is drawn first and then given one
 * premise for every label, so that a hypothesis alone says nothing about its label; a premise of dev or test stands in
 * no other split, on either side of a pair.
 */
import { SNLI_LABELS, type Split } from '../../../shared/datasets.ts';
import { PhiloxSequence, STREAMS, shuffledOrder } from '../../model/philox.ts';
import {
  allScenes,
  labelOf,
  type Relation,
  type RelationTables,
  relationsOf,
  relationTables,
  type SampleLabel,
  type Scene,
  SLOTS,
} from './grammar.ts';

export interface SamplePair {
  readonly premise: Scene;
  readonly hypothesis: Scene;
  readonly label: SampleLabel;
}

export interface SamplePlan {
  readonly seed: number;
  /** Hypotheses drawn a split; each gives three pairs. */
  readonly hypotheses: Readonly<Record<Split, number>>;
  /** Shares of all scenes that are kept for the premises of dev and of test. */
  readonly keptScenes: { readonly dev: number; readonly test: number };
}

/** What `resources/sample` holds. */
export const SAMPLE_PLAN: SamplePlan = {
  seed: 1,
  hypotheses: { train: 5000, dev: 400, test: 400 },
  keptScenes: { dev: 0.15, test: 0.15 },
};

/** How often one, two or three slots decide the label. One alone is hardest to learn from, so it must not be all there is. */
const DECIDING_COUNTS = [1, 1, 2, 2, 3] as const;

/** Premises looked at before the one is taken whose words are rarest under the label. */
const CANDIDATES = 12;

/** Which relation makes a pair what it is: more of them make it no less so. */
const DECIDING_RELATION: Readonly<Record<SampleLabel, Relation>> = {
  entailment: 'general',
  contradiction: 'exclusive',
  neutral: 'specific',
};

function shuffled<T>(items: readonly T[], random: PhiloxSequence): T[] {
  return Array.from(shuffledOrder(items.length, random), (index) => items[index]!);
}

const pick = <T>(items: readonly T[], random: PhiloxSequence): T => items[random.nextBelow(items.length)]!;

/** Premises that stand in the same three relations to a hypothesis. */
interface PremiseGroup {
  readonly label: SampleLabel;
  /** The slots that decide, as text such as `actor place`. */
  readonly deciding: string;
  readonly decidingCount: number;
  readonly premises: Scene[];
}

function groupPremises(hypothesis: Scene, scenes: readonly Scene[], tables: RelationTables): PremiseGroup[] {
  const groups = new Map<string, PremiseGroup>();
  for (const premise of scenes) {
    if (premise === hypothesis) continue;
    const relations = relationsOf(premise, hypothesis, tables);
    const key = relations.join(' ');
    let group = groups.get(key);
    if (group === undefined) {
      const label = labelOf(relations);
      const slots = SLOTS.filter((_, slot) => relations[slot] === DECIDING_RELATION[label]);
      group = { label, deciding: slots.join(' '), decidingCount: slots.length, premises: [] };
      groups.set(key, group);
    }
    group.premises.push(premise);
  }
  return [...groups.values()];
}

/** Draws how many slots decide, then which, then the other relations, then the premise: each evenly. */
function drawPremise(groups: readonly PremiseGroup[], random: PhiloxSequence): Scene {
  const count = pick(DECIDING_COUNTS, random);
  const fitting = groups.filter(({ decidingCount }) => decidingCount === count);
  const possible = fitting.length > 0 ? fitting : groups;
  const deciding = pick([...new Set(possible.map((group) => group.deciding))], random);
  return pick(
    pick(
      possible.filter((group) => group.deciding === deciding),
      random,
    ).premises,
    random,
  );
}

/** Counts a split's premise words under each label, to keep them as frequent under one as under another. */
class PremiseBalance {
  readonly #counts = new Map<string, number>();

  #count(premise: Scene, label: SampleLabel): number {
    return SLOTS.reduce((sum, slot) => sum + (this.#counts.get(`${slot} ${premise[slot]} ${label}`) ?? 0), 0);
  }

  /** How much more often this premise's words have stood under the label than under the average one. */
  surplus(premise: Scene, label: SampleLabel): number {
    const all = SNLI_LABELS.reduce((sum, other) => sum + this.#count(premise, other), 0);
    return this.#count(premise, label) - all / SNLI_LABELS.length;
  }

  add(premise: Scene, label: SampleLabel): void {
    for (const slot of SLOTS) {
      const key = `${slot} ${premise[slot]} ${label}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }
}

/** Draws one split's pairs, three at a time: the same hypothesis under every label. */
class SplitDrawing {
  readonly #premises: readonly Scene[];
  readonly #tables: RelationTables;
  readonly #random: PhiloxSequence;
  readonly #balance = new PremiseBalance();
  readonly #groups = new Map<Scene, PremiseGroup[]>();
  readonly #usedPremises = new Map<Scene, Set<Scene>>();
  readonly pairs: SamplePair[] = [];

  constructor(premises: readonly Scene[], tables: RelationTables, random: PhiloxSequence) {
    this.#premises = premises;
    this.#tables = tables;
    this.#random = random;
  }

  /** The premise, not yet paired with this hypothesis, that keeps the words best balanced; null when there is none. */
  #choosePremise(
    groups: readonly PremiseGroup[],
    label: SampleLabel,
    used: ReadonlySet<Scene>,
  ): Scene | null {
    let best: Scene | null = null;
    let leastSurplus = Number.POSITIVE_INFINITY;
    for (let candidate = 0; candidate < CANDIDATES; candidate++) {
      const premise = drawPremise(groups, this.#random);
      const surplus = this.#balance.surplus(premise, label);
      if (used.has(premise) || surplus >= leastSurplus) continue;
      best = premise;
      leastSurplus = surplus;
    }
    return best;
  }

  /** Adds the hypothesis under all three labels, or, when a label finds no premise, not at all. */
  add(hypothesis: Scene): void {
    const groups = this.#groups.get(hypothesis) ?? groupPremises(hypothesis, this.#premises, this.#tables);
    this.#groups.set(hypothesis, groups);
    const used = this.#usedPremises.get(hypothesis) ?? new Set();
    this.#usedPremises.set(hypothesis, used);
    const drawn: SamplePair[] = [];
    for (const label of SNLI_LABELS) {
      const fitting = groups.filter((group) => group.label === label);
      const premise = fitting.length > 0 ? this.#choosePremise(fitting, label, used) : null;
      if (premise === null) return;
      drawn.push({ premise, hypothesis, label });
    }
    for (const { premise, label } of drawn) {
      used.add(premise);
      this.#balance.add(premise, label);
    }
    this.pairs.push(...drawn);
  }
}

/** Rounds through all hypotheses before a split that never fills is an error of the plan. */
const MOST_ROUNDS = 100;

function drawSplit(
  drawing: SplitDrawing,
  hypotheses: readonly Scene[],
  wanted: number,
  random: PhiloxSequence,
): readonly SamplePair[] {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    for (const hypothesis of shuffled(hypotheses, random)) {
      if (drawing.pairs.length >= wanted * SNLI_LABELS.length) return shuffled(drawing.pairs, random);
      drawing.add(hypothesis);
    }
  }
  throw new RangeError(
    `The plan asks for ${wanted} hypotheses; the grammar gives only ${drawing.pairs.length / 3}.`,
  );
}

/** All pairs of all splits, decided by the plan alone: the same plan gives the same pairs on every machine. */
export function generateSample(plan: SamplePlan): Readonly<Record<Split, readonly SamplePair[]>> {
  const random = new PhiloxSequence(plan.seed, STREAMS.sample);
  const tables = relationTables();
  const scenes = shuffled(allScenes(), random);
  const firstTest = Math.round(scenes.length * plan.keptScenes.dev);
  const firstTrain = firstTest + Math.round(scenes.length * plan.keptScenes.test);
  const premises = {
    dev: scenes.slice(0, firstTest),
    test: scenes.slice(firstTest, firstTrain),
    train: scenes.slice(firstTrain),
  };
  const draw = (split: Split): readonly SamplePair[] => {
    const hypotheses = split === 'train' ? premises.train : [...premises[split], ...premises.train];
    return drawSplit(
      new SplitDrawing(premises[split], tables, random),
      hypotheses,
      plan.hypotheses[split],
      random,
    );
  };
  return { train: draw('train'), dev: draw('dev'), test: draw('test') };
}
