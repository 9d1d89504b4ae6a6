/** @file Runs in tests. Writers of exports with damaged weights, a full disk and an impatient person: each a named error. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExportedModel } from '../../main/export/exportedModel.ts';
import { ExportFolder, type ExportFolderOptions } from '../../main/export/exportFolder.ts';
import { openOnnxRunner } from '../../main/export/onnx/onnxRunner.ts';
import { ONNX_FILES, writeOnnx } from '../../main/export/onnx/writeOnnx.ts';
import { writePage } from '../../main/export/page/writePage.ts';
import { openTensorflowJsRunner } from '../../main/export/tensorflowjs/tensorflowJsRunner.ts';
import { writeTensorflowJs } from '../../main/export/tensorflowjs/writeTensorflowJs.ts';
import { openPageRunner } from '../../main/exporting/pageRunner.ts';
import { parameterShapes } from '../../main/model/parameters.ts';
import { buildExportPageIfNeeded } from '../../main/start/buildExportPage.ts';
import { BERT, BOOK, emptyExportFolder, randomModel, wordsTokenizer } from '../support/exportedModels.ts';
import { failingFileSystem } from '../support/faultyFileSystem.ts';
import { smallDisk } from '../support/smallDisk.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

type Writer = (model: ExportedModel, folder: ExportFolder) => Promise<void>;

const WRITERS: readonly (readonly [string, Writer])[] = [
  ['ONNX', (model, folder) => writeOnnx(model, folder, { precisions: ['fp32', 'int8'] })],
  ['TensorFlow.js', (model, folder) => writeTensorflowJs(model, folder, { half: false })],
  [
    'the web page',
    async (model, folder) => {
      const programFolder = await buildExportPageIfNeeded(() => {});
      await writePage(model, folder, { programFolder, half: true, examples: [] });
    },
  ],
];

it('a page that does not fit on the disk a second time, when it is read back, says that it is full', async ({
  skip,
}) => {
  const disk = smallDisk(8);
  if (disk === null) return skip('only root on Linux can make a small disk');
  const model = await randomModel(BOOK);
  const programFolder = await buildExportPageIfNeeded(() => {});
  await writePage(model, new ExportFolder(disk.folder), { programFolder, half: true, examples: [] });
  disk.fill(4096);
  expect(await studioRejectionOf(openPageRunner(disk.folder))).toMatchObject({ code: 'DISK_FULL' });
  await model.close();
});

describe.each(WRITERS)('%s', (_, write) => {
  it('refuses weights that are not finite, naming them', async () => {
    const name = 'encoder.blks.1.ffn.dense2.weight';
    const model = await randomModel(BERT, {
      change: (tensors) => {
        tensors.get(name)!.values[5] = Number.NaN;
      },
    });
    const error = await studioRejectionOf(write(model, emptyExportFolder()));
    expect(error).toMatchObject({ code: 'BAD_FILE' });
    expect(error.message).toMatch(`${name} in `);
    expect(error.message).toMatch(/holds numbers that are not finite\.$/);
    await model.close();
  });

  it('says that the disk is full, at whichever write it is', async () => {
    const model = await randomModel(BOOK);
    let writes = 0;
    for (let k = 1; ; k += 7) {
      const { fileSystem, failed } = failingFileSystem(k, 'ENOSPC');
      const folder = new ExportFolder(temporaryFolder(), { fileSystem });
      const written = write(model, folder);
      if (
        await written.then(
          () => !failed(),
          () => false,
        )
      )
        break;
      expect(await studioRejectionOf(written)).toMatchObject({ code: 'DISK_FULL' });
      writes += 1;
    }
    expect(writes).toBeGreaterThan(5);
    await model.close();
  });

  it('stops when it is told to', async () => {
    const model = await randomModel(BERT);
    const abort = new AbortController();
    const options: ExportFolderOptions = { signal: abort.signal, onBytes: () => abort.abort() };
    const folder = new ExportFolder(temporaryFolder(), options);
    expect(await studioRejectionOf(write(model, folder))).toMatchObject({ code: 'CANCELLED' });
    expect(folder.files.length).toBeLessThan(2);
    await model.close();
  });
});

describe('a model', () => {
  it.each([
    [
      'lacks the parameter output.bias',
      (tensors: Map<string, unknown>) => void tensors.delete('output.bias'),
    ],
    [
      'has the shape [24,24], but its network needs [3,24]',
      (tensors: Map<string, unknown>) => void tensors.set('output.weight', tensors.get('hidden.0.weight')),
    ],
  ])('is not opened when it %s', async (message, change) => {
    const error = await studioRejectionOf(randomModel(BERT, { change }));
    expect(error).toMatchObject({ code: 'BAD_FILE' });
    expect(error.message).toContain(message);
  });

  it('is not written as an ONNX file that nobody could read', async () => {
    const config = { ...BOOK, vocabularySize: 1_000_000, hidden: 768 };
    const read = async () => {
      throw new Error('nothing may be read');
    };
    const weights = { shapes: parameterShapes(config), read };
    const model: ExportedModel = {
      ...{ name: 'large', config, labels: ['a', 'b', 'c'], sentencesPerExample: 2, maxLen: 40 },
      ...{ tokenizer: wordsTokenizer(), weights },
    };
    const folder = emptyExportFolder();
    const error = await studioRejectionOf(writeOnnx(model, folder, { precisions: ['fp32'] }));
    expect(error).toMatchObject({ code: 'TOO_LARGE', nextStep: 'Export in fp16 or int8.' });
    expect(folder.files).toEqual([]);
  });

  it('is not written in 16 bits with numbers that these cannot hold', async () => {
    const model = await randomModel(BERT, {
      change: (tensors) => {
        tensors.get('hidden.0.weight')!.values[0] = 70_000;
      },
    });
    const error = await studioRejectionOf(writeOnnx(model, emptyExportFolder(), { precisions: ['fp16'] }));
    expect(error).toMatchObject({ code: 'TOO_LARGE', nextStep: 'Export in fp32 or int8.' });
    await model.close();
  });
});

describe('a runner', () => {
  it('refuses a damaged file, naming it', async () => {
    const model = await randomModel(BOOK);
    const folder = emptyExportFolder();
    await writeOnnx(model, folder, { precisions: ['fp32'] });
    await model.close();
    const other = emptyExportFolder();
    await other.write('cut.onnx', [Buffer.from('not a model')]);
    await other.writeText('model.json', '{"format":"graph-model"}');
    const onnx = await studioRejectionOf(openOnnxRunner(join(other.path, 'cut.onnx')));
    expect(onnx).toMatchObject({ code: 'BAD_FILE', place: { file: join(other.path, 'cut.onnx') } });
    const graph = await studioRejectionOf(openTensorflowJsRunner(other.path));
    expect(graph).toMatchObject({ code: 'BAD_FILE', place: { file: join(other.path, 'model.json') } });
    const runner = await openOnnxRunner(join(folder.path, ONNX_FILES.fp32));
    expect(runner.runtime).toMatch(/^onnxruntime-node \d/);
    await runner.close();
  });
});
