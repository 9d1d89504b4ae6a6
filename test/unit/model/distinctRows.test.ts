/** @file Tests. Rows that repeat are computed once, and nothing changes by it but the order of additions. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../main/engines/registry.ts';
import { relativeDistance } from '../../../main/golden/comparison.ts';
import { bookConfig } from '../../../main/model/config.ts';
import { distinctRows, type EmbeddedRows, everyRow, rowsToEmbed } from '../../../main/model/distinctRows.ts';
import { microBatchGradients } from '../../../main/model/gradients.ts';
import type { PackedBatch } from '../../../main/model/packedBatch.ts';
import { ParameterSet } from '../../../main/model/parameters.ts';
import { PhiloxSequence } from '../../../main/model/philox.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { engineForTests } from '../../support/enginesForTests.ts';

const WORDS = 11;
const CLOSE = 2e-6;

/** Few words, so that many rows repeat; lengths from 1 on. */
function someBatch(pairs: number, longest: number, seed: number): PackedBatch {
  const sequence = new PhiloxSequence(seed, 5);
  const offsets = new Int32Array(pairs + 1);
  for (let pair = 0; pair < pairs; pair++)
    offsets[pair + 1] = offsets[pair]! + 1 + sequence.nextBelow(longest);
  const rows = offsets[pairs]!;
  const pairOf = (row: number) => offsets.findIndex((offset) => offset > row) - 1;
  const positions = Int32Array.from({ length: rows }, (_, row) => row - offsets[pairOf(row)]!);
  return {
    ...{ pairs, rows, offsets, positions },
    ids: Int32Array.from({ length: rows }, () => sequence.nextBelow(WORDS)),
    segments: positions.map((position) => (position < longest / 2 ? 0 : 1)),
    pairIndices: Int32Array.from({ length: pairs }, (_, pair) => pair),
    labels: Int32Array.from({ length: pairs }, () => sequence.nextBelow(3)),
  };
}

const free = { size: 'free', layers: 2, hidden: 12, heads: 2, feedForward: 20 };
const config = bookConfig(hyperparametersSchema.parse(free), WORDS, 3);

/** Loss, logits and every gradient by name; the token table's as a whole. */
async function passOf(batch: PackedBatch, rows: EmbeddedRows): Promise<Map<string, Float32Array>> {
  const parameters = ParameterSet.initial(config, 3);
  const { loss, logits, dense, tokenRows } = microBatchGradients(config, parameters, batch, {
    dropout: { rate: 0.3, seed: 4, step: 5, microBatch: 0 },
    ...{ lastLayer: 'first', scale: 1, freezeEncoder: false, classWeights: null, labelSmoothing: 0, rows },
  });
  const table = tf.tidy(() =>
    tf.matMul(tf.oneHot(tf.tensor1d(tokenRows!.ids, 'int32'), WORDS), tokenRows!.gradient, true),
  );
  const all = new Map<string, tf.Tensor>([['loss', loss], ['logits', logits], ['table', table], ...dense]);
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of all) values.set(name, (await tensor.data()) as Float32Array);
  tf.dispose([...all.values(), tokenRows!.gradient]);
  parameters.dispose();
  return values;
}

describe('distinct rows', () => {
  it('are each once, and give every row of the batch again', () => {
    for (const seed of [1, 2, 3]) {
      const batch = someBatch(40, 9, seed);
      const { ids, positions, segments, sources } = distinctRows(batch);
      const keys = Array.from(ids, (id, at) => `${id} ${positions[at]} ${segments[at]}`);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.length).toBeLessThan(batch.rows);
      const again = Array.from(sources!, (source) => keys[source]);
      expect(again).toEqual(
        Array.from(batch.ids, (id, row) => `${id} ${batch.positions[row]} ${batch.segments[row]}`),
      );
    }
  });

  it('of an empty batch are none', () => {
    const nothing = someBatch(0, 9, 1);
    expect(distinctRows(nothing)).toEqual({ ...everyRow(nothing), sources: new Int32Array(0) });
  });
});

describe.each(['cpu', 'wasm', 'native'] as const)('on %s', (engine) => {
  it('a pass over distinct rows is the pass over all rows', async ({ skip }) => {
    await openEngine(engine, { dataDirectory: engineForTests(engine, skip) });
    const batch = someBatch(16, 9, 7);
    const [all, distinct] = [await passOf(batch, everyRow(batch)), await passOf(batch, distinctRows(batch))];
    expect([...distinct.keys()]).toEqual([...all.keys()]);
    for (const [name, expected] of all) {
      if (name.endsWith('W_k.bias')) continue; // nothing but rounding noise
      expect(relativeDistance(distinct.get(name)!, expected), name).toBeLessThan(CLOSE);
    }
    const chosen = rowsToEmbed(config, batch, true).sources;
    expect(chosen === null, 'taken where rows are read by index').toBe(engine !== 'native');
    expect(rowsToEmbed({ ...config, embeddingNorm: true }, batch, true).sources).toBeNull();
  });
});
