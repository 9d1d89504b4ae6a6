/** @file Runs in tests. The attention that people are shown, of every layer and head, against plain arithmetic on golden layers. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ModelFixture, readGolden } from '../../main/golden/fixtures.ts';
import { packedBatch, parametersOf, valuesOf } from '../../main/golden/networks.ts';
import { attentionWeights } from '../../main/model/attentionWeights.ts';
import { describeEngines } from './engines.ts';

const FIXTURES = ['model_book_deep.json', 'model_hf_variant.json', 'model_odd_sizes.json'] as const;
const CLOSE = 1e-5;

/** softmax(q·kᵀ / √D) of one pair and head, in doubles, from what the layer was given: [queries, keys]. */
function expectedWeights(fixture: ModelFixture, pair: number, place: { layer: number; head: number }) {
  const { config, batch, parameters, expected } = fixture;
  const { hidden, heads } = config;
  const width = hidden / heads;
  const { values } = place.layer === 0 ? expected.embeddings : expected.layers[place.layer - 1]!;
  const begin = batch.lengths.slice(0, pair).reduce((sum, length) => sum + length, 0);
  const rows = Array.from({ length: batch.lengths[pair]! }, (_, row) =>
    values.slice((begin + row) * hidden, (begin + row + 1) * hidden),
  );
  const project = (which: string) => {
    const name = `encoder.blks.${place.layer}.attention.W_${which}`;
    const [weight, bias] = [parameters[`${name}.weight`]!.values, parameters[`${name}.bias`]!.values];
    return rows.map((row) =>
      Array.from({ length: width }, (_, at) => {
        const out = place.head * width + at;
        return row.reduce((sum, value, from) => sum + value * weight[out * hidden + from]!, bias[out]!);
      }),
    );
  };
  const [queries, keys] = [project('q'), project('k')];
  return queries.map((query) => {
    const scores = keys.map((key) =>
      Math.exp(query.reduce((sum, value, at) => sum + value * key[at]!, 0) / Math.sqrt(width)),
    );
    const whole = scores.reduce((sum, score) => sum + score, 0);
    return scores.map((score) => score / whole);
  });
}

describeEngines('attention', ({ open }) => {
  beforeAll(async () => {
    await open();
  });

  describe.each(FIXTURES)('%s', (file) => {
    it('is that of each layer and head, and each of its rows sums to 1', async () => {
      const fixture = readGolden(file);
      const { config, batch: golden } = fixture;
      const parameters = parametersOf(config, fixture.parameters);
      const before = tf.memory().numTensors;
      const pair = 1;
      const batch = packedBatch(golden, [pair]);
      for (let layer = 0; layer < config.layers; layer++)
        for (let head = 0; head < config.heads; head++) {
          const weights = attentionWeights(config, parameters, batch, { layer, head });
          expect(weights.shape).toEqual([batch.rows, batch.rows]);
          const found = await valuesOf(weights);
          weights.dispose();
          for (const [query, row] of expectedWeights(fixture, pair, { layer, head }).entries()) {
            const ours = found.subarray(query * batch.rows, (query + 1) * batch.rows);
            for (const [key, value] of row.entries())
              expect(Math.abs(ours[key]! - value), `${layer} ${head} ${query} ${key}`).toBeLessThan(CLOSE);
            expect(Math.abs(ours.reduce((sum, value) => sum + value, 0) - 1)).toBeLessThan(CLOSE);
          }
        }
      expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
      parameters.dispose();
    });
  });
});
