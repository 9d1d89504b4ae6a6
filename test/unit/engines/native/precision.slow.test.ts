/**
 * @file Tests. Products in bfloat16 learn as well as in single precision: the book's small network on the SNLI subset,
 * three seeds each. The mean accuracy after every epoch differs by less than a point.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { epochOrder, planMicroBatches, stepsPerEpoch } from '../../../../main/data/batches.ts';
import { openCache } from '../../../../main/data/cache.ts';
import { encodeSplit } from '../../../../main/data/encodedSplits.ts';
import type { EncodedSplit } from '../../../../main/data/encoding.ts';
import { importDataset } from '../../../../main/data/importDataset.ts';
import { vocabularyOf } from '../../../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../../../main/data/wordsTokenizer.ts';
import { findNative } from '../../../../main/engines/native/loader.ts';
import { openEngine } from '../../../../main/engines/registry.ts';
import { bookConfig } from '../../../../main/model/config.ts';
import { initialValues } from '../../../../main/model/parameters.ts';
import { ClassifierTask } from '../../../../main/training/classifierTask.ts';
import { probabilitiesOf, summarise } from '../../../../main/training/evaluation.ts';
import { hyperparametersSchema } from '../../../../shared/hyperparameters.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { missingShared, sharedPath } from '../../../support/sharedData.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const SEEDS = [0, 1, 2];
const EPOCHS = 3;
const TOKENS = 32_768;
const ONE_POINT = 0.01;

let train: EncodedSplit;
let dev: EncodedSplit;
let words = 0;
const labels = ['entailment', 'contradiction', 'neutral'];

beforeAll(async () => {
  if (missingShared('data', 'snli_1.0') !== null) return;
  const cache = openCache(`${temporaryFolder()}/cache.db`);
  const dataset = await importDataset(cache, { path: sharedPath('data', 'snli_1.0'), name: 'snli' });
  const tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, 2));
  const options = { dataset, tokenizer, maxLen: 128, truncation: 'longer-first', workers: 2 } as const;
  train = await encodeSplit(cache, { ...options, split: 'train' });
  dev = await encodeSplit(cache, { ...options, split: 'dev' });
  words = tokenizer.size;
  cache.close();
});

/** Dev accuracy after each epoch. */
async function curveOf(precision: 'fp32' | 'bf16', seed: number): Promise<number[]> {
  const { adamVariables } = await openEngine('native', { dataDirectory: '', precision });
  const hyperparameters = hyperparametersSchema.parse({ seed, lr: 3e-4, batchSize: 256 });
  const config = bookConfig(hyperparameters, words, labels.length);
  const task = new ClassifierTask({
    ...{ config, hyperparameters, classWeights: null, factory: adamVariables },
    begin: (shape, position) => ({ value: initialValues(shape, position, seed), first: null, second: null }),
  });
  const { batchSize, lr } = hyperparameters;
  const perEpoch = stepsPerEpoch(train.pairs, batchSize);
  const curve: number[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = epochOrder(train.pairs, seed, epoch);
    for (let inEpoch = 0; inEpoch < perEpoch; inEpoch++) {
      const members = order.subarray(inEpoch * batchSize, (inEpoch + 1) * batchSize);
      const plan = planMicroBatches(train, members, { microBatchTokens: TOKENS });
      const step = epoch * perEpoch + inEpoch + 1;
      const reading = await task.step(plan, {
        step,
        lr,
        betweenMicroBatches: async () => void (await nextTurn()),
      });
      reading.dispose();
    }
    const between = async () => void (await nextTurn());
    const found = await probabilitiesOf(config, task, dev, { microBatchTokens: TOKENS, between });
    curve.push(summarise(found, dev.labels, { split: 'dev', step: 0, epoch, labels }).accuracy);
  }
  task.dispose();
  return curve;
}

it('of bfloat16 follows the learning curve of single precision', async ({ skip }) => {
  const missing = missingShared('data', 'snli_1.0');
  if (missing !== null) skip(missing);
  engineForTests('native', skip);
  const search = findNative();
  if (search.kind === 'found' && !search.binding.describe().bf16) {
    // Nothing to learn with: it is refused.
    await expect(openEngine('native', { dataDirectory: '', precision: 'bf16' })).rejects.toThrow(
      'AVX512-BF16',
    );
    return;
  }
  const meanCurve = async (precision: 'fp32' | 'bf16') => {
    const curves: number[][] = [];
    for (const seed of SEEDS) curves.push(await curveOf(precision, seed));
    return curves[0]!.map(
      (_, epoch) => curves.reduce((sum, curve) => sum + curve[epoch]!, 0) / curves.length,
    );
  };
  const [single, half] = [await meanCurve('fp32'), await meanCurve('bf16')];
  for (const [epoch, accuracy] of single.entries())
    expect(Math.abs(half[epoch]! - accuracy), `after epoch ${epoch + 1}: ${half} and ${single}`).toBeLessThan(
      ONE_POINT,
    );
  expect(single.at(-1)).toBeGreaterThan(0.45);
});
