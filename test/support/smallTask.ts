/** @file Tests. A small network and a small split, trained in this process on whatever engine is current. */
import { planMicroBatches } from '../../main/data/batches.ts';
import type { EncodedSplit } from '../../main/data/encoding.ts';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { bookConfig } from '../../main/model/config.ts';
import type { MaskedBatch } from '../../main/model/maskedBatch.ts';
import { initialValues } from '../../main/model/parameters.ts';
import { PhiloxSequence } from '../../main/model/philox.ts';
import { pretrainingFigures } from '../../main/model/pretrainer.ts';
import { ClassifierTask } from '../../main/training/classifierTask.ts';
import { PretrainingTask } from '../../main/training/pretrainingTask.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';

const WORDS = 37;
export const PAIRS = 24;

/** Pairs of 4 to 15 tokens. */
export function someSplit(): EncodedSplit {
  const sequence = new PhiloxSequence(7, 99);
  const offsets = new Int32Array(PAIRS + 1);
  for (let pair = 0; pair < PAIRS; pair++) offsets[pair + 1] = offsets[pair]! + 4 + sequence.nextBelow(12);
  const ids = Int32Array.from({ length: offsets[PAIRS]! }, () => sequence.nextBelow(WORDS));
  const labels = Int32Array.from({ length: PAIRS }, (_, pair) => pair % 3);
  return {
    pairs: PAIRS,
    ids,
    offsets,
    segmentStarts: new Int32Array(PAIRS).fill(3),
    labels,
    truncatedPairs: 0,
  };
}

const everyone = Int32Array.from({ length: PAIRS }, (_, pair) => pair);

/** A network of two layers, 12 wide, on the words of `someSplit`; `model` changes what hyperparameters cannot. */
export function makeTask(
  changes: Record<string, unknown>,
  factory: AdamVariableFactory,
  {
    classWeights = null,
    model = {},
  }: { classWeights?: readonly number[] | null; model?: Partial<ModelConfig> } = {},
) {
  const free = { size: 'free', layers: 2, hidden: 12, heads: 2, feedForward: 20, lr: 0.01 };
  const hyperparameters = hyperparametersSchema.parse({ ...free, ...changes });
  const config = { ...bookConfig(hyperparameters, WORDS, 3), ...model };
  const begin = (...[shape, position]: [Parameters<typeof initialValues>[0], number]) => ({
    value: initialValues(shape, position, 1),
    first: null,
    second: null,
  });
  return new ClassifierTask({ config, hyperparameters, classWeights, factory, begin });
}

/** The readings of some steps on all pairs of `someSplit`. */
export async function steps(task: ClassifierTask, microBatchTokens: number, count = 3): Promise<number[][]> {
  const readings: number[][] = [];
  for (let step = 1; step <= count; step++) {
    const plan = planMicroBatches(someSplit(), everyone, { microBatchTokens });
    const reading = await task.step(plan, { step, lr: 0.01, betweenMicroBatches: async () => {} });
    readings.push([...(await reading.data())]);
    reading.dispose();
  }
  return readings;
}

/** The same network with the heads of pretraining. */
export function makePretraining(
  changes: Record<string, unknown>,
  factory: AdamVariableFactory,
): PretrainingTask {
  const free = { size: 'free', layers: 2, hidden: 12, heads: 2, feedForward: 20, lr: 0.01, loss: 'mean' };
  const hyperparameters = hyperparametersSchema.parse({ ...free, ...changes });
  const config = bookConfig(hyperparameters, WORDS, 2);
  const begin = (...[shape, position]: [Parameters<typeof initialValues>[0], number]) => ({
    value: initialValues(shape, position, 1),
    first: null,
    second: null,
  });
  return new PretrainingTask({ config, hyperparameters, factory, begin });
}

/** Micro-batches of all pairs of `someSplit`, the second row of each masked. */
export function maskedBatches(microBatchTokens: number): MaskedBatch[] {
  return planMicroBatches(someSplit(), everyone, { microBatchTokens }).map((batch) => {
    const maskedRows = batch.offsets.slice(0, batch.pairs).map((first) => first + 1);
    const labels = batch.labels.map((label) => label % 2);
    return { ...batch, labels, maskedRows, maskedIds: maskedRows.map((row) => batch.ids[row]!) };
  });
}

/** The readings of some steps of pretraining, and the sums of an evaluation after them. */
export async function pretrainingSteps(
  task: PretrainingTask,
  microBatchTokens: number,
  count = 3,
): Promise<number[][]> {
  const readings: number[][] = [];
  for (let step = 1; step <= count; step++) {
    const options = { step, lr: 0.01, betweenMicroBatches: async () => {} };
    const reading = await task.step(maskedBatches(microBatchTokens), options);
    readings.push([...(await reading.data())]);
    reading.dispose();
  }
  const [batch] = maskedBatches(microBatchTokens);
  const { sums, nextLogits } = pretrainingFigures(task.config, task, batch!);
  readings.push([...(await sums.data())]);
  sums.dispose();
  nextLogits.dispose();
  return readings;
}
