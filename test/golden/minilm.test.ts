/** @file Runs in tests. Real pretrained weights, imported, on real pairs: every layer and the logits are transformers', on every engine. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { planMicroBatches } from '../../main/data/batches.ts';
import { type EncodedSplit, encodePairs } from '../../main/data/encoding.ts';
import { openPairTokenizer } from '../../main/data/openPairTokenizer.ts';
import { valuesOf } from '../../main/golden/networks.ts';
import { gatherTokenRows, predictLogits } from '../../main/model/classifier.ts';
import { everyRow } from '../../main/model/distinctRows.ts';
import { encode } from '../../main/model/encoder.ts';
import type { PackedBatch } from '../../main/model/packedBatch.ts';
import { ParameterSet, parameterShapes } from '../../main/model/parameters.ts';
import { openSafetensorsFile } from '../../main/models/safetensorsFile.ts';
import { importModel, type ModelImport } from '../../main/models/store/importModel.ts';
import { findImportedModel, weightsOf } from '../../main/models/store/modelStore.ts';
import type { ImportedModel } from '../../shared/models.ts';
import { minilmFolder, missingMinilm } from '../support/minilm.ts';
import { missingShared, sharedPath } from '../support/sharedData.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { describeEngines } from './engines.ts';
import { expectNear, readFixture } from './fixtures.ts';

const golden = readFixture('minilm.json');
/** Relative to the largest value, as everywhere; the issue's bar is 1e-4. */
const CLOSE = 2e-5;
const SNLI = ['data', 'snli_1.0', 'snli_1.0_dev.txt'] as const;
/** A GPU that two busy cores play takes ten minutes and more for all pairs. */
const SLOWEST_MS = 1_800_000;
const missing = missingMinilm() ?? missingShared(...SNLI);
const store = temporaryFolder();
const REQUEST: ModelImport = {
  ...{ path: minilmFolder(), name: 'minilm', origin: null, licence: null },
  ...{ heads: null, layers: null, labels: null, sentences: 2 },
};

function pairs(): { premise: string; hypothesis: string }[] {
  const [header, ...rows] = readFileSync(sharedPath(...SNLI), 'utf8').split('\n');
  const columns = header!.split('\t');
  const [first, second] = [columns.indexOf('sentence1'), columns.indexOf('sentence2')];
  return golden.lengths.map((_, pair) => {
    const cells = rows[pair * golden.stride]!.split('\t');
    return { premise: cells[first]!, hypothesis: cells[second]! };
  });
}

function encoded(): EncodedSplit {
  const tokenizer = openPairTokenizer(join(store, 'minilm'));
  return encodePairs(pairs(), tokenizer, { maxLen: 128, truncation: 'longer-first' });
}

/** The imported weights, and the head that the fixture's script made up. */
async function parametersOf({ model }: ImportedModel): Promise<ParameterSet> {
  const file = await openSafetensorsFile(weightsOf(store, 'minilm'));
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) values.set(name, (await file.read(name)).values as Float32Array);
  await file.close();
  values.set('output.bias', Float32Array.from(golden.bias));
  values.set(
    'output.weight',
    Float32Array.from({ length: 3 * model.hidden }, (_, place) => 0.05 * Math.sin(1 + place)),
  );
  return new ParameterSet(parameterShapes(model), ({ name }) => values.get(name)!);
}

/** First and last row of each pair after each layer, as the fixture keeps them: [layers][pairs, 8]. */
async function layersOf(
  { model }: ImportedModel,
  parameters: ParameterSet,
  batch: PackedBatch,
): Promise<Float32Array[]> {
  const outputs: tf.Tensor2D[] = [];
  tf.tidy(() => {
    const rows = everyRow(batch);
    const input = { tokenRows: gatherTokenRows(parameters, rows.ids), rows, batch };
    const onLayer = (_: number, output: tf.Tensor2D) => void outputs.push(tf.keep(output));
    encode(model, (name) => parameters.get(name), input, { dropout: null, lastLayer: 'all', onLayer });
  });
  const layers = await Promise.all(outputs.map(valuesOf));
  tf.dispose(outputs);
  return layers.map((values) =>
    Float32Array.from(
      Array.from(batch.pairIndices).flatMap((_, pair) =>
        [batch.offsets[pair]!, batch.offsets[pair + 1]! - 1].flatMap((row) =>
          golden.coordinates.map((column) => values[row * model.hidden + column]!),
        ),
      ),
    ),
  );
}

function idsHash({ ids, offsets }: EncodedSplit): string {
  const hash = createHash('sha256');
  for (const [pair, length] of golden.lengths.entries()) {
    const own = ids.subarray(offsets[pair], offsets[pair + 1]);
    hash.update(Int32Array.of(own.length)).update(own);
    expect(own.length, `tokens of pair ${pair}`).toBe(length);
  }
  return hash.digest('hex');
}

/** The rows of `values`, [pairs, width], for the pairs of a batch of `members`. */
function rowsFor(values: readonly number[], batch: PackedBatch, members: Int32Array): number[] {
  const width = values.length / golden.lengths.length;
  return Array.from(batch.pairIndices, (place) => members[place]!).flatMap((pair) =>
    values.slice(pair * width, (pair + 1) * width),
  );
}

describeEngines(`MiniLM, imported${missing === null ? '' : ` (skipped: ${missing})`},`, ({ name, open }) => {
  let model: ImportedModel;
  beforeAll(async () => {
    if (missing !== null) return;
    await open();
    model = findImportedModel(store, 'minilm') ?? (await importModel(store, REQUEST));
  });

  const limit = { timeout: SLOWEST_MS };
  it.skipIf(missing !== null)('has the ids, hidden states and logits of transformers', limit, async () => {
    const split = encoded();
    const parameters = await parametersOf(model);
    const everyone = Int32Array.from(golden.lengths, (_, pair) => pair);
    expect(idsHash(split)).toBe(golden.idsSha256);
    // cpu is plain JavaScript, two seconds a pair: the shortest two show what there is to see.
    const byLength = everyone.toSorted((one, other) => golden.lengths[one]! - golden.lengths[other]!);
    const members = name === 'cpu' ? byLength.subarray(0, 2) : everyone;
    for (const batch of planMicroBatches(split, members, { microBatchTokens: 512 })) {
      for (const [layer, values] of (await layersOf(model, parameters, batch)).entries())
        expectNear(`layer ${layer}`, values, rowsFor(golden.layers[layer]!.values, batch, members), CLOSE);
      const logits = predictLogits(model.model, parameters, batch);
      expectNear('logits', await valuesOf(logits), rowsFor(golden.logits.values, batch, members), CLOSE);
      logits.dispose();
    }
    parameters.dispose();
  });
});
