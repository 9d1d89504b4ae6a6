/** @file Runs in the training worker. Evaluates pretraining on drawn pairs: masked words, next sentences, and their table. */
import type { Split } from '../../shared/datasets.ts';
import type { EvaluationRecord, MetricPoint, ModelConfig } from '../../shared/runs.ts';
import type { MaskedBatch } from '../model/maskedBatch.ts';
import type { Parameters } from '../model/parameters.ts';
import { pretrainingFigures } from '../model/pretrainer.ts';
import { probabilitiesOfRow, summarise } from './evaluation.ts';
import type { FurtherFigures } from './loopParts.ts';
import type { EvaluatedPlace, EvaluatedSplit } from './runWork.ts';

/** The sums behind the first three values of a `PretrainingReading`. */
export const PRETRAINING_FIGURES: FurtherFigures = {
  sums: 5,
  metricsOf: ([maskedLoss, maskedCorrect, masked, nextLoss, pairs]) => [
    ['maskedLoss', maskedLoss! / masked!],
    ['maskedAccuracy', maskedCorrect! / masked!],
    ['nextLoss', nextLoss! / pairs!],
  ],
};

/** Sums over evaluated pairs. */
export interface PretrainingSums {
  maskedLoss: number;
  maskedCorrect: number;
  masked: number;
  nextLoss: number;
  /** Row-major [pairs, 2], the gold labels, and -log p of each. */
  readonly probabilities: number[];
  readonly gold: number[];
  readonly losses: number[];
  seconds: number;
}

const CLASSES = 2;

/** Forward passes over the micro-batches. `between` runs between them and may throw to leave early. */
export async function evaluatePretraining(
  config: ModelConfig,
  parameters: Parameters,
  batches: Iterable<MaskedBatch>,
  between: () => Promise<void>,
): Promise<PretrainingSums> {
  const sums: PretrainingSums = {
    ...{ maskedLoss: 0, maskedCorrect: 0, masked: 0, nextLoss: 0, seconds: 0 },
    ...{ probabilities: [], gold: [], losses: [] },
  };
  const beganMs = performance.now();
  for (const batch of batches) {
    const figures = pretrainingFigures(config, parameters, batch);
    const [ofBatch, logits] = await Promise.all([figures.sums.data(), figures.nextLogits.data()]);
    figures.sums.dispose();
    figures.nextLogits.dispose();
    sums.maskedLoss += ofBatch[0]!;
    sums.maskedCorrect += ofBatch[1]!;
    sums.masked += batch.maskedRows.length;
    sums.nextLoss += ofBatch[2]!;
    for (let pair = 0; pair < batch.pairs; pair++) {
      const row = (logits as Float32Array).subarray(pair * CLASSES, (pair + 1) * CLASSES);
      const probabilities = probabilitiesOfRow(row);
      sums.probabilities.push(...probabilities);
      sums.gold.push(batch.labels[pair]!);
      sums.losses.push(-Math.log(probabilities[batch.labels[pair]!]!));
    }
    await between();
  }
  sums.seconds = (performance.now() - beganMs) / 1000;
  return sums;
}

/** Loss: masked words and next sentences together; accuracy, and the table of classes: next sentences. */
export function summarisePretraining(
  sums: PretrainingSums,
  { split, labels, ...place }: EvaluatedPlace & { readonly split: Split; readonly labels: readonly string[] },
): EvaluatedSplit {
  const gold = Int32Array.from(sums.gold);
  const values = Float32Array.from(sums.probabilities);
  const losses = Float64Array.from(sums.losses);
  const next = summarise({ values, losses, seconds: sums.seconds }, gold, { split, labels, ...place });
  const { maskedLoss, maskedCorrect, masked, nextLoss } = sums;
  const further = PRETRAINING_FIGURES.metricsOf([maskedLoss, maskedCorrect, masked, nextLoss, gold.length]);
  const loss = maskedLoss / masked + nextLoss / gold.length;
  const evaluation: EvaluationRecord = { ...next, loss };
  const under = split === 'train' ? 'dev' : split;
  const common = { ...place, atMs: Date.now() };
  const points: MetricPoint[] = [
    { metric: `${under}/loss`, value: loss, ...common },
    { metric: `${under}/accuracy`, value: next.accuracy, ...common },
    ...further.map(([name, value]): MetricPoint => ({ metric: `${under}/${name}`, value, ...common })),
  ];
  return { accuracy: next.accuracy, score: -loss, points, evaluation, predictions: null };
}
