/** @file Runs in tests. Folders that transformers saved, imported and run on every engine, against what it computes. */
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { packedBatch, valuesOf } from '../../main/golden/networks.ts';
import { classify, gatherTokenRows } from '../../main/model/classifier.ts';
import { everyRow } from '../../main/model/distinctRows.ts';
import { elementCount, ParameterSet, parameterShapes } from '../../main/model/parameters.ts';
import { type HuggingFaceModel, openHuggingFaceFolder } from '../../main/models/huggingFaceFolder.ts';
import { type Whole, wholeModel } from '../support/wholeModel.ts';
import { describeEngines } from './engines.ts';
import { expectNear, readFixture } from './fixtures.ts';

const { batch: golden, models } = readFixture('hugging_face.json');
const FORWARD = 1e-5;
/** Where our classes (entailment, contradiction, neutral) stand in a file of contradiction, neutral, entailment. */
const OUTPUTS = [2, 0, 1];

function imported(name: keyof typeof models): Promise<Whole<HuggingFaceModel>> {
  const folder = fileURLToPath(new URL(name, import.meta.url));
  return wholeModel(openHuggingFaceFolder(folder, { classes: 3, meanings: null }));
}

/** Every layer's rows, and the logits; what the folder does not have is zeros. */
async function computed({ model, tensors }: Whole<HuggingFaceModel>): Promise<Float32Array[]> {
  const parameters = new ParameterSet(parameterShapes(model), ({ name, shape }) => {
    const values = tensors.get(name)?.values;
    return values instanceof Float32Array ? values : new Float32Array(elementCount(shape));
  });
  const batch = packedBatch(golden);
  const outputs: tf.Tensor[] = [];
  tf.tidy(() => {
    const rows = everyRow(batch);
    const input = { tokenRows: gatherTokenRows(parameters, rows.ids), rows, batch };
    const onLayer = (_: number, output: tf.Tensor2D) => void outputs.push(tf.keep(output));
    const options = { dropout: null, lastLayer: 'all', onLayer } as const;
    outputs.push(tf.keep(classify(model, (name) => parameters.get(name), input, options)));
  });
  const values = await Promise.all(outputs.map(valuesOf));
  tf.dispose(outputs);
  parameters.dispose();
  return values;
}

describeEngines('a model of transformers', ({ open }) => {
  beforeAll(async () => {
    await open();
  });

  it.each(['hf_bert_classifier', 'hf_bert_pretraining', 'hf_distilbert_classifier'] as const)(
    '%s: gives every layer',
    async (name) => {
      const layers = await computed(await imported(name));
      for (const [layer, { values }] of models[name].layers.entries())
        expectNear(`layer ${layer}`, layers[layer]!, values, FORWARD);
    },
  );

  it.each(['hf_bert_classifier', 'hf_distilbert_classifier'] as const)(
    '%s: gives the logits, in the order of our labels',
    async (name) => {
      const model = await imported(name);
      expect(model.head).toEqual({ labels: ['entailment', 'contradiction', 'neutral'] });
      expect({ unused: model.unused, notes: model.notes }).toEqual({ unused: [], notes: [] });
      const logits = (await computed(model)).at(-1)!;
      const { values } = models[name].logits!;
      const ours = golden.lengths.flatMap((_, pair) => OUTPUTS.map((output) => values[3 * pair + output]!));
      expectNear('logits', logits, ours, FORWARD);
    },
  );
});

it('hf_bert_pretraining: keeps its pooler, and tells that its heads are left out', async () => {
  const model = await imported('hf_bert_pretraining');
  expect(model.model).toMatchObject({ activation: 'gelu_tanh', layerNormEps: 1e-6 });
  expect(model.fresh).toEqual(['output.weight', 'output.bias']);
  expect(model.notes).toHaveLength(1);
  expect(model.unused.every((name) => name.startsWith('cls.'))).toBe(true);
});
