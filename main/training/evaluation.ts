/** @file Runs in workers. Evaluates a split: probabilities of every example, and what follows from them. */
import type { Split } from '../../shared/datasets.ts';
import type { EvaluationRecord, ModelConfig } from '../../shared/runs.ts';
import { planMicroBatches } from '../data/batches.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import { predictLogits } from '../model/classifier.ts';
import type { Parameters } from '../model/parameters.ts';

export interface Probabilities {
  /** Row-major [pairs, classes], in the order of the split. */
  readonly values: Float32Array;
  /** -log p of the gold label of each pair. */
  readonly losses: Float64Array;
  readonly seconds: number;
}

/** Forward passes over a whole split. `between` runs between micro-batches and may throw to leave early. */
export async function probabilitiesOf(
  config: ModelConfig,
  parameters: Parameters,
  split: EncodedSplit,
  { microBatchTokens, between }: { microBatchTokens: number; between: () => Promise<void> },
): Promise<Probabilities> {
  const { classes } = config;
  const values = new Float32Array(split.pairs * classes);
  const losses = new Float64Array(split.pairs);
  const everyone = Int32Array.from({ length: split.pairs }, (_, pair) => pair);
  const beganMs = performance.now();
  for (const batch of planMicroBatches(split, everyone, { microBatchTokens })) {
    const logits = predictLogits(config, parameters, batch);
    const rows = (await logits.data()) as Float32Array;
    logits.dispose();
    for (let pair = 0; pair < batch.pairs; pair++) {
      const member = batch.pairIndices[pair]!;
      const row = softmax(rows.subarray(pair * classes, (pair + 1) * classes));
      values.set(row.probabilities, member * classes);
      losses[member] = -row.logProbabilities[split.labels[member]!]!;
    }
    await between();
  }
  return { values, losses, seconds: (performance.now() - beganMs) / 1000 };
}

/** Softmax of the logits of one pair. */
export function probabilitiesOfRow(logits: Float32Array): number[] {
  return softmax(logits).probabilities;
}

/** In doubles on the host, so that every engine rounds alike. */
function softmax(logits: Float32Array): { probabilities: number[]; logProbabilities: number[] } {
  const highest = logits.reduce((top, value) => Math.max(top, value), Number.NEGATIVE_INFINITY);
  const exponentials = Array.from(logits, (value) => Math.exp(value - highest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  const logSum = Math.log(sum) + highest;
  return {
    probabilities: exponentials.map((value) => value / sum),
    logProbabilities: Array.from(logits, (value) => value - logSum),
  };
}

export interface EvaluationPlace {
  readonly split: Split;
  readonly step: number;
  readonly epoch: number;
  readonly labels: readonly string[];
}

/** What was answered, in the labels of the data set. */
export interface Answers {
  /** Index into the labels for each pair. */
  readonly predicted: Int32Array;
  /** -log p of the gold label of each pair. */
  readonly losses: Float64Array;
  readonly seconds: number;
}

/** Loss, accuracy, confusion matrix and per-class figures; ties go to the lower label, as argMax has it. */
export function summarise(
  { values, losses, seconds }: Probabilities,
  gold: Int32Array,
  place: EvaluationPlace,
): EvaluationRecord {
  const classes = place.labels.length;
  const predicted = Int32Array.from(gold, (_, pair) =>
    argMax(values.subarray(pair * classes, (pair + 1) * classes)),
  );
  return summariseAnswers({ predicted, losses, seconds }, gold, place);
}

/** As `summarise`, of answers that were chosen already. */
export function summariseAnswers(
  { predicted, losses, seconds }: Answers,
  gold: Int32Array,
  place: EvaluationPlace,
): EvaluationRecord {
  const classes = place.labels.length;
  const confusion = place.labels.map(() => place.labels.map(() => 0));
  for (let pair = 0; pair < gold.length; pair++) confusion[gold[pair]!]![predicted[pair]!]!++;
  const perClass = place.labels.map((label, index) => classFigures(label, index, confusion));
  const correct = confusion.reduce((sum, row, index) => sum + row[index]!, 0);
  const { split, step, epoch } = place;
  return {
    split,
    step,
    epoch,
    loss: losses.reduce((sum, loss) => sum + loss, 0) / gold.length,
    accuracy: correct / gold.length,
    macroF1: perClass.reduce((sum, figures) => sum + figures.f1, 0) / classes,
    confusion,
    perClass,
    pairs: gold.length,
    pairsPerSecond: gold.length / seconds,
  };
}

export function argMax(row: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index]! > row[best]!) best = index;
  return best;
}

/** A class that is never predicted or never there has 0 where the quotient is undefined, as scikit-learn has it. */
function classFigures(label: string, index: number, confusion: readonly (readonly number[])[]) {
  const hits = confusion[index]![index]!;
  const support = confusion[index]!.reduce((sum, count) => sum + count, 0);
  const predicted = confusion.reduce((sum, row) => sum + row[index]!, 0);
  const precision = predicted === 0 ? 0 : hits / predicted;
  const recall = support === 0 ? 0 : hits / support;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { label, precision, recall, f1, support };
}
