/** @file Runs in tests. Exported graph models in a real Chromium, on WebAssembly and WebGL, against our own engine. */
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTensorflowJs } from '../../main/export/tensorflowjs/writeTensorflowJs.ts';
import { launchChromium, type ServedFolder, serveFolder } from '../support/builtPage.ts';
import {
  BERT,
  BOOK,
  emptyExportFolder,
  largestDifference,
  ownLogits,
  randomBatch,
  randomModel,
  variedLengths,
} from '../support/exportedModels.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const WASM = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'));
let browser: Browser;
const program = temporaryFolder();

beforeAll(async () => {
  const bundler = await rolldown({
    input: { page: join(import.meta.dirname, 'tensorflowJsHarness/page.ts') },
    platform: 'browser',
  });
  await bundler.write({ dir: program, format: 'iife', entryFileNames: '[name].js' });
  await bundler.close();
  writeFileSync(
    join(program, 'index.html'),
    '<!doctype html><title>harness</title><script src="page.js"></script>',
  );
  mkdirSync(join(program, 'wasm'));
  copyFileSync(
    join(WASM, 'dist/tfjs-backend-wasm-simd.wasm'),
    join(program, 'wasm/tfjs-backend-wasm-simd.wasm'),
  );
  browser = await launchChromium(['--use-angle=swiftshader', '--enable-unsafe-swiftshader']);
});
afterAll(() => browser?.close());

/** WebGL may compute in a precision of its own. */
describe.each([
  ['wasm', 2e-5],
  ['webgl', 1e-3],
] as const)('on %s', (backend, tolerance) => {
  it.each([
    ["the book's network", BOOK],
    ['BERT', BERT],
  ])('%s answers as our engine does', async (_, config) => {
    const model = await randomModel(config);
    const folder = emptyExportFolder();
    await writeTensorflowJs(model, folder, { half: false });
    cpSync(folder.path, join(program, 'model'), { recursive: true });
    const served: ServedFolder = await serveFolder(program, {});
    const page: Page = await browser.newPage();
    await page.goto(served.address);
    const batches = [[3], [config.maxPositions], variedLengths(32, 3, config.maxPositions)].map((lengths) =>
      randomBatch(config, lengths),
    );
    const plain = batches.map((batch) => ({
      ...batch,
      inputIds: [...batch.inputIds],
      attentionMask: [...batch.attentionMask],
      segmentIds: [...batch.segmentIds],
    }));
    const answers = (await page.evaluate(`logitsOn(${JSON.stringify(backend)}, ${JSON.stringify(plain)})`)) as
      | number[][]
      | null;
    if (answers === null) throw new Error(`this Chromium has no ${backend}`);
    for (const [at, batch] of batches.entries())
      expect(largestDifference(Float32Array.from(answers[at]!), await ownLogits(model, batch))).toBeLessThan(
        tolerance,
      );
    served.server.close();
    await page.close();
    await model.close();
  });
});
