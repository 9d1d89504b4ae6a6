/** @file Runs in tests. ONNX files of every kind of network, run by ONNX Runtime, against our own engine. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Precision } from '../../../main/export/compactWeights.ts';
import type { ExportedModel } from '../../../main/export/exportedModel.ts';
import type { PaddedBatch, RunnerAnswer } from '../../../main/export/modelRunner.ts';
import { openOnnxRunner } from '../../../main/export/onnx/onnxRunner.ts';
import { ONNX_FILES, writeDiagnosticOnnx, writeOnnx } from '../../../main/export/onnx/writeOnnx.ts';
import {
  BERT,
  emptyExportFolder,
  largestDifference,
  NETWORKS,
  ownLogits,
  randomBatch,
  randomModel,
  variedLengths,
} from '../../support/exportedModels.ts';

/** What rounding the weights may do to logits of about 1; measured, with room. */
const TOLERANCES: readonly (readonly [Precision, number])[] = [
  ['fp32', 2e-5],
  ['fp16', 2e-2],
  ['int8', 2e-1],
];

async function answersOf(path: string, batches: readonly PaddedBatch[]): Promise<RunnerAnswer[]> {
  const runner = await openOnnxRunner(path);
  try {
    const answers: RunnerAnswer[] = [];
    for (const batch of batches) answers.push(await runner.run(batch));
    return answers;
  } finally {
    await runner.close();
  }
}

/** One pair of the shortest and of the longest kind, and 32 of all lengths. */
const batchesFor = ({ config }: ExportedModel) => [
  randomBatch(config, [3]),
  randomBatch(config, [config.maxPositions]),
  randomBatch(config, variedLengths(32, 3, config.maxPositions)),
];

describe.each(NETWORKS)('%s as ONNX', (_, config) => {
  it.each(TOLERANCES)('answers as our engine does in %s, within %f', async (precision, tolerance) => {
    const model = await randomModel(config);
    const folder = emptyExportFolder();
    await writeOnnx(model, folder, { precisions: [precision] });
    const batches = batchesFor(model);
    const answers = await answersOf(join(folder.path, ONNX_FILES[precision]), batches);
    for (const [at, batch] of batches.entries())
      expect(largestDifference(answers[at]!.logits, await ownLogits(model, batch))).toBeLessThan(tolerance);
    await model.close();
  });
});

it('shows every layer in a diagnostic copy, whose logits are the same', async () => {
  const model = await randomModel(BERT);
  const folder = emptyExportFolder();
  await writeOnnx(model, folder, { precisions: ['fp32'] });
  const diagnostic = emptyExportFolder();
  await writeDiagnosticOnnx(model, diagnostic, { precision: 'fp32' });
  const batch = randomBatch(BERT, [5, 9]);
  const [plain] = await answersOf(join(folder.path, ONNX_FILES.fp32), [batch]);
  const [shown] = await answersOf(join(diagnostic.path, ONNX_FILES.fp32), [batch]);
  expect(plain!.layers).toEqual([]);
  expect(shown!.layers.map(({ length }) => length)).toEqual([2 * 9 * 24, 2 * 9 * 24, 2 * 24]);
  expect(shown!.logits).toEqual(plain!.logits);
});
