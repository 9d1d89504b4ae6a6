/** @file Tests. An export that answers otherwise fails, and is told where it begins to differ: real models, one of them another. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPairTokenizer } from '../../../main/data/openPairTokenizer.ts';
import { Vocabulary } from '../../../main/data/vocabulary.ts';
import { findRun } from '../../../main/db/runs.ts';
import type { CardFacts } from '../../../main/export/card/facts.ts';
import { type OpenExportedModel, openExportedModel } from '../../../main/export/exportedModel.ts';
import { ExportFolder } from '../../../main/export/exportFolder.ts';
import { FORMATS, type FormatContext } from '../../../main/exporting/formats.ts';
import type { ModelExportJob, ModelTarget } from '../../../main/exporting/job.ts';
import { ParityGate } from '../../../main/exporting/parityGate.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../main/files/safetensors.ts';
import { datasetOfRun } from '../../../main/studio/datasetOfRun.ts';
import { checkpointsFolder, listFolders } from '../../../main/training/checkpoints.ts';
import type { ModelFormat } from '../../../shared/exports.ts';
import { ExportingStudio } from '../../support/exportingStudio.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let studio: ExportingStudio;
let job: ModelExportJob;

beforeAll(async () => {
  const made = await ExportingStudio.withRun();
  studio = made.studio;
  const { databases } = studio;
  const { config } = findRun(databases.store(), made.run);
  const checkpoints = checkpointsFolder(join(databases.places.runs, made.run));
  const folder = join(checkpoints, listFolders(checkpoints)[0]!);
  const dataset = datasetOfRun(databases.cache(), findRun(databases.store(), made.run));
  job = {
    ...{ dataDirectory: databases.places.root, engine: 'wasm', threads: null, entail: '0.0.0' },
    model: {
      ...{ name: 'a model', config: config.model, labels: config.dataset.labels, sentencesPerExample: 2 },
      ...{ maxLen: 128, truncation: 'longer-first', tokenizerFolder: folder },
      ...{ weightsPath: join(folder, 'weights.safetensors'), weightsSha256: 'a'.repeat(64) },
    },
    data: {
      ...{ cachePath: databases.places.cacheDatabase, datasetId: dataset.id, dataset: dataset.name },
      ...{ contentHash: dataset.contentHash, split: 'test', rows: dataset.rows.test },
    },
    facts: {} as CardFacts,
    ...{ targets: [], runFile: null, page: { programFolder: '', examples: [] } },
  };
});
afterAll(() => studio.databases.close());

/** The model of the job, or one in which one parameter is another. */
async function openModel(changed: string | null): Promise<OpenExportedModel> {
  const { tokenizerFolder, truncation, weightsSha256: _, ...rest } = job.model;
  const data = openPairTokenizer(tokenizerFolder).toData();
  const tokenizer = { kind: 'words', vocabulary: new Vocabulary(data.tokens, 'a test'), truncation } as const;
  if (changed === null) return await openExportedModel({ ...rest, tokenizer });
  const { tensors } = decodeSafetensors(readFileSync(rest.weightsPath), { source: 'a test' });
  const values = tensors.get(changed)!.values as Float32Array;
  for (let at = 0; at < values.length; at++) values[at]! += 0.5 * Math.sin(at);
  const weightsPath = join(temporaryFolder(), 'weights.safetensors');
  writeFileSync(weightsPath, Buffer.concat(encodeSafetensors(tensors)));
  return await openExportedModel({ ...rest, tokenizer, weightsPath });
}

/** What the gate says of an export of `changed` that claims to be the job's model. */
async function judged(to: ModelFormat, changed: string | null) {
  const studioModel = await openModel(null);
  const written = await openModel(changed);
  const folder = new ExportFolder(temporaryFolder());
  const target: ModelTarget = { to, precision: 'fp32', destination: folder.path };
  const context: FormatContext = {
    model: written,
    precision: 'fp32',
    runFile: null,
    page: job.page,
    studioRuntime: 'wasm',
  };
  await FORMATS[to].write(folder, context);
  const gate = new ParityGate({
    job,
    model: studioModel,
    tokenizer: openPairTokenizer(job.model.tokenizerFolder),
  });
  try {
    const signal = new AbortController().signal;
    return await gate.compare(folder.path, target, context, { signal, onProgress: () => {}, beat: () => {} });
  } finally {
    await gate.close();
    await studioModel.close();
    await written.close();
  }
}

it.each(['torch', 'onnx', 'tfjs'] as const)('lets the model itself pass as %s', async (to) => {
  expect(await judged(to, null)).toMatchObject({ state: 'verified', failures: [], firstDivergence: null });
});

it.each([
  ['torch', 'encoder.segment_embedding.weight', 'embeddings'],
  ['torch', 'encoder.blks.1.ffn.dense1.weight', 'layer 1'],
  ['onnx', 'encoder.segment_embedding.weight', 'embeddings'],
  ['onnx', 'encoder.blks.0.attention.W_v.weight', 'layer 0'],
  ['onnx', 'encoder.blks.1.ffn.dense1.weight', 'layer 1'],
  ['onnx', 'output.weight', 'logits'],
  ['tfjs', 'encoder.blks.0.attention.W_v.weight', 'layer 0'],
] as const)('as %s with another %s, it fails and says: %s', async (to, changed, place) => {
  const report = await judged(to, changed);
  expect(report.state).toBe('failed');
  expect(report.failures.length).toBeGreaterThan(0);
  expect(report.firstDivergence?.place).toBe(place);
  expect(report.numbers!.maxDifference).toBeGreaterThan(1e-4);
});
