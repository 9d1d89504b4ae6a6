/** @file Benchmarks. The book's work: bert.small with 60,005 words, batches of 512 pairs as long as SNLI's. */
import type { EncodedSplit } from '../../main/data/encoding.ts';
import { PhiloxSequence } from '../../main/model/philox.ts';
import { type Hyperparameters, hyperparametersSchema } from '../../shared/hyperparameters.ts';

export const VOCABULARY_SIZE = 60_005;
export const CLASSES = 3;

export const bookHyperparameters = (changes: Partial<Hyperparameters> = {}): Hyperparameters =>
  hyperparametersSchema.parse({
    size: 'bert.small',
    batchSize: 512,
    lr: 1e-4,
    dropout: 0.2,
    loss: 'sum',
    ...changes,
  });

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, Math.round(value)));

/** Random tokens; lengths of both sentences as the PyTorch peer draws them: 14.1 ± 6 and 8.3 ± 3.2, and 3 special ones. */
export function randomPairs(pairs: number, seed: number): EncodedSplit {
  const sequence = new PhiloxSequence(seed, 0x62656e63);
  const offsets = new Int32Array(pairs + 1);
  const segmentStarts = new Int32Array(pairs);
  for (let pair = 0; pair < pairs; pair++) {
    const premise = clamp(14.1 + 6 * sequence.nextNormal(), 3, 60);
    const hypothesis = clamp(8.3 + 3.2 * sequence.nextNormal(), 2, 30);
    segmentStarts[pair] = premise + 2;
    offsets[pair + 1] = offsets[pair]! + premise + hypothesis + 3;
  }
  const ids = Int32Array.from({ length: offsets[pairs]! }, () => sequence.nextBelow(VOCABULARY_SIZE));
  const labels = Int32Array.from({ length: pairs }, () => sequence.nextBelow(CLASSES));
  return { pairs, ids, offsets, segmentStarts, labels, truncatedPairs: 0 };
}
