/**
 * @file Runs in tests. Networks of real sizes in every format and precision, against our own engine: pretrained MiniLM
 * where its weights are, and the book's small BERT. Prints how far the answers are apart.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AutoModelForSequenceClassification, AutoTokenizer, env } from '@huggingface/transformers';
import { describe, expect, it } from 'vitest';
import { openTokenizer } from '../../../main/data/wordpiece/openTokenizer.ts';
import type { Precision } from '../../../main/export/compactWeights.ts';
import { type OpenExportedModel, openExportedModel } from '../../../main/export/exportedModel.ts';
import type { ModelRunner, PaddedBatch } from '../../../main/export/modelRunner.ts';
import { openOnnxRunner } from '../../../main/export/onnx/onnxRunner.ts';
import { ONNX_FILES, writeOnnx } from '../../../main/export/onnx/writeOnnx.ts';
import { openTensorflowJsRunner } from '../../../main/export/tensorflowjs/tensorflowJsRunner.ts';
import { writeTensorflowJs } from '../../../main/export/tensorflowjs/writeTensorflowJs.ts';
import { parameterShapes } from '../../../main/model/parameters.ts';
import { openHuggingFaceFolder } from '../../../main/models/huggingFaceFolder.ts';
import {
  BOOK,
  emptyExportFolder,
  encodedPair,
  largestDifference,
  ownLogits,
  paddedBatch,
  randomBatch,
  randomModel,
  variedLengths,
  weightsFile,
} from '../../support/exportedModels.ts';
import { minilmFolder, missingMinilm } from '../../support/minilm.ts';
import { Inputs } from '../../support/onEngine.ts';

const LABELS = ['entailment', 'contradiction', 'neutral'];
const PAIRS: readonly (readonly [string, string])[] = [
  ['A man in a blue shirt is standing on a ladder cleaning a window.', 'Somebody is working.'],
  ['Two children are laughing in the rain.', 'The kids are asleep indoors, it seems.'],
];

/** MiniLM with a head of random numbers, large enough that logits are of the size that training makes them. */
async function minilm(): Promise<OpenExportedModel> {
  const folder = await openHuggingFaceFolder(minilmFolder(), { classes: 3, meanings: null });
  const { model } = folder;
  const inputs = new Inputs(3);
  const values = new Map<string, { dtype: 'F32'; shape: number[]; values: Float32Array }>();
  for (const { name, shape } of parameterShapes(model)) {
    const size = shape.reduce((product, length) => product * length, 1);
    const known = folder.fresh.includes(name) ? inputs.normal(size) : await folder.read(name);
    values.set(name, { dtype: 'F32', shape: [...shape], values: known });
  }
  await folder.close();
  return await openExportedModel({
    ...{ name: 'MiniLM', config: model, labels: LABELS, sentencesPerExample: 2, maxLen: 512 },
    tokenizer: {
      kind: 'wordpiece',
      tokenizer: openTokenizer(minilmFolder()).tokenizer,
      truncation: 'longer-first',
    },
    weightsPath: weightsFile(values),
  });
}

/** One pair of the shortest and of the longest kind, 32 short ones, and some of all lengths. */
const batchesFor = ({ config }: OpenExportedModel): PaddedBatch[] => [
  randomBatch(config, [3]),
  randomBatch(config, [config.maxPositions]),
  randomBatch(config, variedLengths(32, 3, 40)),
  randomBatch(config, variedLengths(8, 3, 128), 2),
];

async function compare(what: string, runner: ModelRunner, model: OpenExportedModel): Promise<number> {
  let largest = 0;
  for (const batch of batchesFor(model)) {
    const { logits } = await runner.run(batch);
    largest = Math.max(largest, largestDifference(logits, await ownLogits(model, batch)));
  }
  await runner.close();
  process.stdout.write(`${what}: logits differ by ${largest.toExponential(1)} at most\n`);
  return largest;
}

const BERT_SMALL = {
  ...BOOK,
  ...{ vocabularySize: 20_000, hidden: 256, heads: 4, feedForward: 512, maxPositions: 512 },
};

describe.each([
  ['MiniLM', minilm, missingMinilm()],
  ["the book's bert.small", () => randomModel(BERT_SMALL), null],
] as const)('%s', (name, open, missing) => {
  if (missing !== null) {
    it('needs its weights', ({ skip }) => skip(missing));
    return;
  }
  it.each([
    ['fp32', 1e-4],
    ['fp16', 2e-2],
    ['int8', 0.5],
  ] as readonly (readonly [Precision, number])[])('answers as ONNX in %s', async (precision, tolerance) => {
    const model = await open();
    const folder = emptyExportFolder();
    await writeOnnx(model, folder, { precisions: [precision] });
    const runner = await openOnnxRunner(join(folder.path, ONNX_FILES[precision]));
    expect(await compare(`${name}, ONNX ${precision}`, runner, model)).toBeLessThan(tolerance);
    await model.close();
    rmSync(folder.path, { recursive: true });
  });

  it.each([
    ['32', false, 1e-4],
    ['16', true, 2e-2],
  ] as const)('answers as TensorFlow.js with %s-bit weights', async (bits, half, tolerance) => {
    const model = await open();
    const folder = emptyExportFolder();
    await writeTensorflowJs(model, folder, { half });
    const runner = await openTensorflowJsRunner(folder.path);
    expect(await compare(`${name}, TensorFlow.js ${bits} bit`, runner, model)).toBeLessThan(tolerance);
    await model.close();
    rmSync(folder.path, { recursive: true });
  });

  it('runs in transformers.js, offline, on pairs', async () => {
    const model = await open();
    const folder = emptyExportFolder();
    await writeOnnx(model, folder, { precisions: ['fp32'] });
    env.allowRemoteModels = false;
    env.localModelPath = dirname(folder.path);
    const path = folder.path.slice(env.localModelPath.length + 1);
    const tokenizer = await AutoTokenizer.from_pretrained(path);
    const classifier = await AutoModelForSequenceClassification.from_pretrained(path, { dtype: 'fp32' });
    const [premises, hypotheses] = [PAIRS.map(([premise]) => premise), PAIRS.map(([, other]) => other)];
    const { logits } = await classifier(tokenizer(premises, { text_pair: hypotheses, padding: true }));
    if (model.tokenizer.kind === 'wordpiece') {
      const batch = paddedBatch(PAIRS.map((pair) => encodedPair(model, ...pair)));
      expect(largestDifference(logits.data as Float32Array, await ownLogits(model, batch))).toBeLessThan(
        1e-4,
      );
    }
    await classifier.dispose();
    await model.close();
  });
});
