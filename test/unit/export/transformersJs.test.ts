/** @file Runs in tests. Folders of the ONNX format in @huggingface/transformers, offline, on pairs of sentences. */
import { dirname } from 'node:path';
import { AutoModelForSequenceClassification, AutoTokenizer, env } from '@huggingface/transformers';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeOnnx } from '../../../main/export/onnx/writeOnnx.ts';
import {
  BERT,
  BOOK,
  DISTILBERT,
  emptyExportFolder,
  encodedPair,
  largestDifference,
  ownLogits,
  paddedBatch,
  randomModel,
} from '../../support/exportedModels.ts';

const PAIRS: readonly (readonly [string, string])[] = [
  ['The man sleeps on a red mat .', 'A man is not outside .'],
  ['A dog runs', 'The CAT walking under the blue house !'],
  // Unknown words, one of them longer than any known one, and one that begins like a known word.
  ['Zyxw dogs', 'incomprehensibilities sits'],
];

beforeAll(() => {
  env.allowRemoteModels = false;
});

describe.each([
  ["the book's network with its words", BOOK],
  ['BERT with WordPiece', BERT],
  ['DistilBERT', DISTILBERT],
])('%s', (_, config) => {
  it.each([
    ['fp32', 'fp32', 2e-5],
    ['fp16', 'fp16', 2e-2],
    ['int8', 'q8', 2e-1],
  ] as const)('runs in %s', async (precision, dtype, tolerance) => {
    const model = await randomModel(config);
    const folder = emptyExportFolder();
    await writeOnnx(model, folder, { precisions: [precision] });
    env.localModelPath = dirname(folder.path);
    const name = folder.path.slice(env.localModelPath.length + 1);
    const tokenizer = await AutoTokenizer.from_pretrained(name);
    const classifier = await AutoModelForSequenceClassification.from_pretrained(name, { dtype });
    const [premises, hypotheses] = [PAIRS.map(([premise]) => premise), PAIRS.map(([, other]) => other)];
    const inputs = tokenizer(premises, { text_pair: hypotheses, padding: true });
    const batch = paddedBatch(PAIRS.map((pair) => encodedPair(model, ...pair)));
    // Ids at padding are the tokenizer's own.
    const ids = Array.from(inputs.input_ids.data as BigInt64Array, Number);
    expect(ids.map((id, at) => id * batch.attentionMask[at]!)).toEqual([...batch.inputIds]);
    const { logits } = await classifier(inputs);
    expect(largestDifference(logits.data as Float32Array, await ownLogits(model, batch))).toBeLessThan(
      tolerance,
    );
    expect(classifier.config).toMatchObject({ id2label: { 0: 'entailment', 2: 'neutral' } });
    await classifier.dispose();
    await model.close();
  });
});
