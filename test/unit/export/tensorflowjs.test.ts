/** @file Runs in tests. TensorFlow.js graph models of every kind of network, run on WebAssembly, against our own engine. */
import { describe, expect, it } from 'vitest';
import { openTensorflowJsRunner } from '../../../main/export/tensorflowjs/tensorflowJsRunner.ts';
import {
  writeDiagnosticTensorflowJs,
  writeTensorflowJs,
} from '../../../main/export/tensorflowjs/writeTensorflowJs.ts';
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

describe.each(NETWORKS)('%s as TensorFlow.js', (_, config) => {
  it.each([
    ['32-bit', false, 2e-5],
    ['16-bit', true, 2e-2],
  ] as const)('answers as our engine does with %s weights', async (_bits, half, tolerance) => {
    const model = await randomModel(config);
    const folder = emptyExportFolder();
    await writeTensorflowJs(model, folder, { half });
    const runner = await openTensorflowJsRunner(folder.path);
    const all = variedLengths(32, 3, config.maxPositions);
    for (const lengths of [[3], [config.maxPositions], all]) {
      const batch = randomBatch(config, lengths);
      const { logits } = await runner.run(batch);
      expect(largestDifference(logits, await ownLogits(model, batch))).toBeLessThan(tolerance);
    }
    await runner.close();
    await model.close();
  });
});

it('shows every layer in a diagnostic copy, whose logits are the same', async () => {
  const model = await randomModel(BERT);
  const [folder, diagnostic] = [emptyExportFolder(), emptyExportFolder()];
  await writeTensorflowJs(model, folder, { half: false });
  await writeDiagnosticTensorflowJs(model, diagnostic, { half: false });
  const batch = randomBatch(BERT, [5, 9]);
  const plain = await openTensorflowJsRunner(folder.path);
  const shown = await openTensorflowJsRunner(diagnostic.path);
  const [{ logits, layers }, whole] = [await plain.run(batch), await shown.run(batch)];
  expect(layers).toEqual([]);
  expect(whole.layers.map(({ length }) => length)).toEqual([2 * 9 * 24, 2 * 9 * 24, 2 * 24]);
  expect(whole.logits).toEqual(logits);
});
