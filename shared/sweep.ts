/**
 * @file Runs anywhere. Several runs from one form: what a person writes into a field (a value, a list, a range), and
 * the settings that follow from it, every combination or some random draws. Pure functions.
 */
import {
  HYPERPARAMETERS,
  type HyperparameterName,
  type Hyperparameters,
  hyperparametersSchema,
} from './hyperparameters.ts';

type Value = Hyperparameters[HyperparameterName];

/** What one field asks for. A range is sampled by draws; a grid takes `count` values of it, or every whole number. */
export type FieldWish =
  | { readonly kind: 'values'; readonly values: readonly Value[] }
  | {
      readonly kind: 'range';
      readonly from: number;
      readonly to: number;
      readonly count: number | null;
      readonly whole: boolean;
    }
  /** `why` goes on after the field's name: 'cannot be "x"; it takes 1 to 9.' */
  | { readonly kind: 'wrong'; readonly why: string };

export type Wishes = ReadonlyMap<HyperparameterName, FieldWish>;

/** Beyond it nobody means it; the queue refuses more. */
export const MOST_RUNS = 1000;
/** Ends of a range that are so far apart are taken on a logarithmic scale, as learning rates are. */
const LOGARITHMIC_FROM = 10;
const RANGE = /^(\S+?)\s*\.\.\s*(\S+?)(?:\s*\/\s*(\d+))?$/;

const rangeTexts = new Map(HYPERPARAMETERS.map(({ name, range }) => [name, range]));

/**
 * Reads a field: `5`, `0, 1, 2`, `1e-5..1e-3 / 4` (four values from end to end), `0..4` (whole numbers). Class weights
 * have commas of their own, so that there several wishes are separated by `;`.
 */
export function parseWish(name: HyperparameterName, text: string): FieldWish {
  const trimmed = text.trim();
  if (trimmed === '') return wrong(name, 'is empty');
  const range = RANGE.exec(trimmed);
  if (range !== null && isNumeric(name)) return parseRange(name, range);
  const words = trimmed.split(name === 'classWeights' ? ';' : ',').map((word) => word.trim());
  const values: Value[] = [];
  for (const word of words) {
    const value = parseValue(name, word);
    if (value === undefined) return wrong(name, `cannot be "${word}"`);
    if (!values.some((known) => JSON.stringify(known) === JSON.stringify(value))) values.push(value);
  }
  return { kind: 'values', values };
}

/** A value as a person writes it: the inverse of `parseWish` for single values. */
export function valueText(value: Value): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'number') return String(value);
  const small = value !== 0 && Math.abs(value) < 1e-3;
  return small ? value.toExponential().replace('e-0', 'e-') : String(value);
}

/** Every combination; wishes that are wrong or ranges without a number of values make none. Null: more than MOST_RUNS. */
export function gridOf(base: Hyperparameters, wishes: Wishes): Hyperparameters[] | null {
  let settings: Hyperparameters[] = [base];
  for (const [name, wish] of wishes) {
    const values = gridValues(wish);
    if (values === null) return [];
    if (settings.length * values.length > MOST_RUNS) return null;
    settings = settings.flatMap((setting) => values.map((value) => ({ ...setting, [name]: value })));
  }
  return settings;
}

/** `count` random settings; the same seed draws the same ones. Lists are drawn from evenly, wide ranges on a log scale. */
export function drawsOf(
  base: Hyperparameters,
  wishes: Wishes,
  { count, seed }: { readonly count: number; readonly seed: number },
): Hyperparameters[] {
  if ([...wishes.values()].some(({ kind }) => kind === 'wrong')) return [];
  const random = randomFrom(seed);
  return Array.from({ length: Math.min(count, MOST_RUNS) }, () => {
    const drawn = Object.fromEntries([...wishes].map(([name, wish]) => [name, draw(wish, random)]));
    return { ...base, ...drawn };
  });
}

/** True when a wish asks for more than one value. */
export function isSeveral(wish: FieldWish): boolean {
  return wish.kind === 'range' || (wish.kind === 'values' && wish.values.length > 1);
}

function wrong(name: HyperparameterName, why: string): FieldWish {
  return { kind: 'wrong', why: `${why}; it takes ${rangeTexts.get(name)}.` };
}

function isNumeric(name: HyperparameterName): boolean {
  return typeof hyperparametersSchema.parse({})[name] === 'number';
}

function parseValue(name: HyperparameterName, word: string): Value | undefined {
  const schema = hyperparametersSchema.shape[name];
  const candidates: unknown[] = [word];
  if (word === 'true' || word === 'false') candidates.unshift(word === 'true');
  if (word !== '' && Number.isFinite(Number(word))) candidates.unshift(Number(word));
  if (name === 'classWeights') candidates.push(word.split(',').map(Number));
  for (const candidate of candidates) {
    const parsed = schema.safeParse(candidate);
    if (parsed.success) return parsed.data as Value;
  }
  return undefined;
}

function parseRange(name: HyperparameterName, [, low, high, count]: RegExpExecArray): FieldWish {
  const [from, to] = [parseValue(name, low!), parseValue(name, high!)];
  if (typeof from !== 'number') return wrong(name, `cannot be "${low}"`);
  if (typeof to !== 'number') return wrong(name, `cannot be "${high}"`);
  if (from >= to) return wrong(name, `goes from ${low} up to ${high}, which is not above it`);
  const values = count === undefined ? null : Number(count);
  if (values !== null && (values < 2 || values > MOST_RUNS))
    return wrong(name, `cannot have ${values} values`);
  return { kind: 'range', from, to, count: values, whole: isWhole(name) };
}

/** Whether a field takes whole numbers only: a half between two of its values is refused. */
function isWhole(name: HyperparameterName): boolean {
  const schema = hyperparametersSchema.shape[name];
  return [0.5, 8.5, 64.5].every((half) => !schema.safeParse(half).success) && isNumeric(name);
}

function gridValues(wish: FieldWish): readonly Value[] | null {
  if (wish.kind === 'wrong') return null;
  if (wish.kind === 'values') return wish.values;
  const { from, to, whole } = wish;
  const count = wish.count ?? (whole ? to - from + 1 : null);
  if (count === null || count > MOST_RUNS) return null;
  const values = Array.from({ length: count }, (_, at) => between(wish, at / (count - 1)));
  return [...new Set(values)];
}

/** The value at a share of the way, ends exact. */
function between({ from, to, whole }: Extract<FieldWish, { kind: 'range' }>, share: number): number {
  if (share === 0) return from;
  if (share === 1) return to;
  const logarithmic = from > 0 && to / from >= LOGARITHMIC_FROM && !whole;
  const value = logarithmic ? from * (to / from) ** share : from + (to - from) * share;
  // Three figures are what a person would have typed, and keep equal settings equal.
  return whole ? Math.round(value) : Number(value.toPrecision(3));
}

function draw(wish: FieldWish, random: () => number): Value {
  if (wish.kind === 'values') return wish.values[Math.floor(random() * wish.values.length)]!;
  if (wish.kind === 'range') return between(wish, random());
  throw new Error(wish.why);
}

/** SplitMix32 (Steele, Lea, Flood 2014): small, seeded, good enough for drawing settings. -> [0, 1) */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
