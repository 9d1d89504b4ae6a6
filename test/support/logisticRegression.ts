/** @file Tests. Logistic regression on word and word-pair counts: how far one sentence alone gives a label away. */

export interface TextExample {
  /** Penn Treebank tokens joined by one space. */
  readonly tokens: string;
  /** Class, counted from 0. */
  readonly label: number;
}

export interface LogisticRegression {
  predict(tokens: string): number;
}

export interface FitOptions {
  readonly classes: number;
  /** Weight of half the squared norm beside the mean loss. */
  readonly l2: number;
}

/** The distinct words and neighbouring pairs of words of a sentence, lower-cased. */
function features(tokens: string): Set<string> {
  const words = tokens.toLowerCase().split(' ');
  return new Set([...words, ...words.slice(1).map((word, before) => `${words[before]} ${word}`)]);
}

/** Each distinct sentence once, with how often every class stands beside it: the loss needs no more. */
interface Sentence {
  readonly columns: readonly number[];
  readonly classCounts: readonly number[];
  readonly count: number;
}

function distinctSentences(
  examples: readonly TextExample[],
  columnOf: ReadonlyMap<string, number>,
  classes: number,
): Sentence[] {
  const counts = new Map<string, number[]>();
  for (const { tokens, label } of examples) {
    const classCounts = counts.get(tokens) ?? new Array<number>(classes).fill(0);
    classCounts[label]!++;
    counts.set(tokens, classCounts);
  }
  return Array.from(counts, ([tokens, classCounts]) => ({
    columns: columnsOf(tokens, columnOf),
    classCounts,
    count: classCounts.reduce((sum, count) => sum + count),
  }));
}

/** The sentence's known features; the bias is the column after the last. */
function columnsOf(tokens: string, columnOf: ReadonlyMap<string, number>): number[] {
  const known = [...features(tokens)].map((feature) => columnOf.get(feature));
  return [...known.filter((column) => column !== undefined), columnOf.size];
}

/** Class scores of one sentence. weights: [classes][columns] -> [classes] */
function scores(weights: readonly Float64Array[], columns: readonly number[]): number[] {
  return weights.map((row) => columns.reduce((sum, column) => sum + row[column]!, 0));
}

function softmax(values: readonly number[]): number[] {
  const highest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map((power) => power / sum);
}

/** Gradient of the mean loss and the decay, [classes][columns]. */
function gradientOf(
  weights: readonly Float64Array[],
  sentences: readonly Sentence[],
  l2: number,
): Float64Array[] {
  const total = sentences.reduce((sum, { count }) => sum + count, 0);
  const gradient = weights.map((row) => row.map((weight) => l2 * weight));
  for (const { columns, classCounts, count } of sentences) {
    const probabilities = softmax(scores(weights, columns));
    for (const [label, row] of gradient.entries()) {
      const error = (count * probabilities[label]! - classCounts[label]!) / total;
      for (const column of columns) row[column]! += error;
    }
  }
  return gradient;
}

/** Steps after which a fit that has not converged is an error. */
const MOST_STEPS = 20_000;
const CONVERGED_AT = 1e-5;

/**
 * Fits by Nesterov's accelerated gradient until no component of the gradient is above 1e-5.
 * @throws Error when it does not converge
 */
export function fitLogisticRegression(
  examples: readonly TextExample[],
  { classes, l2 }: FitOptions,
): LogisticRegression {
  const names = new Set(examples.flatMap(({ tokens }) => [...features(tokens)]));
  const columnOf = new Map(Array.from(names, (name, column) => [name, column]));
  const sentences = distinctSentences(examples, columnOf, classes);
  // The loss curves at most this much: half the longest row's squared norm, and the decay.
  const step = 1 / (Math.max(...sentences.map(({ columns }) => columns.length)) / 2 + l2);
  let weights = Array.from({ length: classes }, () => new Float64Array(names.size + 1));
  let ahead = weights;
  for (let taken = 0; taken < MOST_STEPS; taken++) {
    const gradient = gradientOf(ahead, sentences, l2);
    if (gradient.every((row) => row.every((value) => Math.abs(value) < CONVERGED_AT))) {
      return {
        predict: (tokens) => {
          const values = scores(ahead, columnsOf(tokens, columnOf));
          return values.indexOf(Math.max(...values));
        },
      };
    }
    const next = ahead.map((row, label) =>
      row.map((weight, column) => weight - step * gradient[label]![column]!),
    );
    const momentum = taken / (taken + 3);
    const previous = weights;
    ahead = next.map((row, label) =>
      row.map((weight, column) => weight + momentum * (weight - previous[label]![column]!)),
    );
    weights = next;
  }
  throw new Error(`Logistic regression did not converge in ${MOST_STEPS} steps.`);
}

/** Share of the examples whose label the model tells. */
export function accuracyOf(model: LogisticRegression, examples: readonly TextExample[]): number {
  const right = examples.filter(({ tokens, label }) => model.predict(tokens) === label).length;
  return right / examples.length;
}
