/** @file Tests. `models download` against servers on loopback: a hub's models, and the book's archives in small. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseHubReference } from '../../../main/hub/hubReference.ts';
import { hubSettings } from '../../../main/hub/hubSettings.ts';
import { bookConfig } from '../../../main/model/config.ts';
import { parameterShapes } from '../../../main/model/parameters.ts';
import { BOOK_MODELS, downloadBookModel, requireBookModel } from '../../../main/models/download/bookModel.ts';
import type { ModelDownloadProgress } from '../../../main/models/download/downloadProgress.ts';
import { downloadHubModel, type HubModelDownload } from '../../../main/models/download/hubModel.ts';
import { listImportedModels } from '../../../main/models/store/modelStore.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { HUB_COMMIT, type HubContent, hubServer, type Interfering } from '../../support/hubServer.ts';
import { BERT, BERT_CONFIG, safetensorsFolder } from '../../support/huggingFaceFolders.ts';
import { closedOrigin, loopbackServer, sendAndCut, serve } from '../../support/loopbackServer.ts';
import { asTorchTensors } from '../../support/numberedTensors.ts';
import { studioErrorOf, studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { torchZip } from '../../support/torchBytes.ts';
import { zipBytes } from '../../support/zipBytes.ts';

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'man', 'sleeps', '.', '##s'];
const WEIGHTS = readFileSync(join(safetensorsFolder(BERT_CONFIG, BERT), 'model.safetensors'));
const CONFIG = JSON.stringify({ ...BERT_CONFIG, architectures: ['BertModel'] });
const TINY: HubContent = {
  repository: 'owner/tiny-bert',
  files: {
    '.gitattributes': 'x',
    'README.md': '---\nlicense: mit\n---\n# Tiny\n',
    'config.json': CONFIG,
    'model.safetensors': WEIGHTS,
    'onnx/model.onnx': 'y'.repeat(1000),
    'pytorch_model.bin': 'not looked at',
    'tf_model.h5': 'z',
    'tokenizer_config.json': '{"do_lower_case": true}',
    'vocab.txt': `${WORDS.join('\n')}\n`,
  },
  large: ['model.safetensors', 'pytorch_model.bin'],
  card: { license: 'mit' },
};
const limits = { firstPauseMs: 1, progressEveryMs: 0 };

async function prepare(
  content: HubContent = TINY,
  interfere: { hub?: Interfering; store?: Interfering } = {},
) {
  const server = await hubServer(content, interfere);
  const dataDirectory = temporaryFolder();
  const store = join(dataDirectory, 'models');
  const steps: ModelDownloadProgress[] = [];
  const settings = hubSettings({ HF_ENDPOINT: server.origin, HF_HOME: dataDirectory });
  const download = (changes: Partial<HubModelDownload> = {}) =>
    downloadHubModel({
      ...{ store, dataDirectory, settings, limits, name: 'tiny', licence: null, labels: null, sentences: 2 },
      reference: parseHubReference(`hf:${content.repository}`),
      onProgress: (progress) => steps.push(progress),
      ...changes,
    });
  return { server, dataDirectory, store, steps, download };
}

const asked = (requests: readonly { url?: string | undefined }[]) =>
  requests.flatMap(({ url }) =>
    url?.includes('/resolve/') === true ? [url.slice(url.lastIndexOf('/') + 1)] : [],
  );

describe('a model of a hub', () => {
  test('is fetched as far as it is needed, imported with where it comes from, and its files are gone then', async () => {
    const { download, server, steps, dataDirectory } = await prepare();
    const model = await download();
    expect(model).toMatchObject({
      name: 'tiny',
      family: 'bert',
      head: null,
      licence: 'mit',
      origin: { source: 'hf:owner/tiny-bert', revision: HUB_COMMIT },
      tokenizer: { kind: 'wordpiece', tokens: 10, lowercase: true },
    });
    expect(model.origin.files).toContainEqual({
      name: 'model.safetensors',
      sizeBytes: WEIGHTS.length,
      sha256: createHash('sha256').update(WEIGHTS).digest('hex'),
    });
    // The configuration first, and none of the other frameworks' files.
    expect(asked(server.hub.requests)).toEqual([
      ...['config.json', 'README.md', 'tokenizer_config.json', 'vocab.txt', 'model.safetensors'],
    ]);
    expect(steps[0]).toMatchObject({
      step: 'plan',
      plan: { origin: `hf:owner/tiny-bert@${HUB_COMMIT}`, licence: 'mit' },
    });
    expect(steps[0]?.step === 'plan' && steps[0].plan.files[0]).toEqual({
      path: 'config.json',
      sizeBytes: CONFIG.length,
    });
    expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(['plan', 'download', 'import']));
    expect(readdirSync(join(dataDirectory, 'downloads'))).toEqual([]);
  });

  test('of another family is refused before its weights are fetched', async () => {
    const { download, server } = await prepare({
      ...TINY,
      files: { ...TINY.files, 'config.json': '{"model_type":"gpt2"}' },
    });
    expect((await studioRejectionOf(download())).code).toBe('BAD_FILE');
    expect(asked(server.hub.requests)).toEqual(['config.json']);
  });

  test.each([
    ['config.json', ['config.json']],
    ['model.safetensors', ['model.safetensors', 'pytorch_model.bin']],
  ])('without %s says what there is', async (missing, left) => {
    const files = Object.fromEntries(Object.entries(TINY.files).filter(([path]) => !left.includes(path)));
    const { download } = await prepare({ ...TINY, files });
    const error = await studioRejectionOf(download());
    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toContain(`has no ${missing}`);
    expect(error.message).toContain('vocab.txt');
  });

  test('in shards comes with all of them', async () => {
    const shapes = BERT.map(([name]) => name);
    const map = Object.fromEntries(
      shapes.map((name, at) => [name, `model-0000${1 + (at % 2)}-of-00002.safetensors`]),
    );
    const shard = (which: number) =>
      readFileSync(
        join(
          safetensorsFolder(
            BERT_CONFIG,
            BERT.filter((_, at) => at % 2 === which),
          ),
          'model.safetensors',
        ),
      );
    const { 'model.safetensors': _, 'pytorch_model.bin': __, ...rest } = TINY.files;
    const { download } = await prepare({
      ...TINY,
      files: {
        ...rest,
        'model.safetensors.index.json': JSON.stringify({ weight_map: map }),
        'model-00001-of-00002.safetensors': shard(0),
        'model-00002-of-00002.safetensors': shard(1),
      },
    });
    expect((await download()).origin.files.map(({ name }) => name)).toContain(
      'model-00002-of-00002.safetensors',
    );
  });

  test('goes on where it was cut off, and what is there is not fetched again', async () => {
    const { download, server, store } = await prepare(TINY, {
      store: (_, response, count) => {
        if (count > 1) return false;
        response.writeHead(200, { 'content-length': WEIGHTS.length, etag: '"first"' });
        sendAndCut(response, WEIGHTS.subarray(0, 1000));
        return true;
      },
    });
    const once = { ...limits, attempts: 1 };
    expect((await studioRejectionOf(download({ limits: once }))).code).toBe('DOWNLOAD_FAILED');
    expect(listImportedModels(store).models).toEqual([]);
    await download();
    expect(server.store.requests.at(-1)!.headers.range).toBe('bytes=1000-');
    expect(asked(server.hub.requests).filter((name) => name === 'vocab.txt')).toHaveLength(1);
  });

  test('whose name is taken or none is refused before anything is asked', async () => {
    const { download, server } = await prepare();
    await download();
    const before = server.hub.requests.length;
    expect((await studioRejectionOf(download())).code).toBe('ALREADY_EXISTS');
    expect((await studioRejectionOf(download({ name: '../x' }))).code).toBe('USAGE');
    expect(server.hub.requests.length).toBe(before);
  });

  test('is cancelled in the middle of its weights', async () => {
    const cancel = new AbortController();
    const { download, store } = await prepare(TINY, {
      store: (_, response) => {
        response.writeHead(200, { 'content-length': WEIGHTS.length }).write(WEIGHTS.subarray(0, 100));
        cancel.abort();
        return true;
      },
    });
    expect((await studioRejectionOf(download({ signal: cancel.signal }))).code).toBe('CANCELLED');
    expect(existsSync(store) ? readdirSync(store) : []).toEqual([]);
    expect((await studioRejectionOf(download({ signal: AbortSignal.abort() }))).code).toBe('CANCELLED');
  });

  test('without a network can be brought as a folder', async () => {
    const { download, dataDirectory } = await prepare();
    const settings = hubSettings({ HF_ENDPOINT: await closedOrigin(), HF_HOME: dataDirectory });
    const error = await studioRejectionOf(download({ settings }));
    expect(error.code).toBe('OFFLINE');
    expect(error.nextStep).toContain('models import FOLDER --name tiny');
  });
});

/** An archive in the layout of the book's, in small. */
function bookArchive({ heads, layers }: { heads: number; layers: number }): Buffer {
  const words = ['!', '<cls>', '<mask>', '<pad>', '<sep>', '<unk>', 'a', 'person'];
  const sizes = hyperparametersSchema.parse({ size: 'free', hidden: 24, heads, layers, feedForward: 12 });
  const model = bookConfig(sizes, words.length, 3);
  const shapes = parameterShapes(model)
    .filter(({ name }) => !name.startsWith('output.'))
    .map(({ name, shape }) => [name, shape] as const);
  return zipBytes([
    { name: 'bert/vocab.json', content: JSON.stringify(words) },
    { name: 'bert/pretrained.params', content: torchZip(asTorchTensors(shapes)) },
  ]);
}

describe("the book's models", () => {
  test('have the addresses and sums that the book prints', () => {
    expect(requireBookModel('bert.small')).toEqual({
      url: 'http://d2l-data.s3-accelerate.amazonaws.com/bert.small.torch.zip',
      sha1: 'c72329e68a732bef0452e4b96a1c341c8910f81f',
      heads: 4,
      layers: 2,
    });
    expect(BOOK_MODELS.get('bert.base')).toMatchObject({
      sha1: '225d66f04cae318b841a13d32af3acc165f253ac',
      heads: 12,
    });
    expect(studioErrorOf(() => requireBookModel('bert.huge')).nextStep).toContain('bert.small and bert.base');
  });

  test.each(['bert.small', 'bert.base'])(
    '%s is fetched, compared with its sum, and imported with its heads',
    async (which) => {
      const source = requireBookModel(which);
      const bytes = bookArchive(source);
      const server = await loopbackServer((request, response) =>
        serve(request, response, { bytes, etag: '"1"' }),
      );
      const dataDirectory = temporaryFolder();
      const download = {
        store: join(dataDirectory, 'models'),
        dataDirectory,
        name: which,
        licence: null,
        labels: null,
        sentences: 2,
      } as const;
      const here = { ...source, url: `${server.origin}/${which}.torch.zip` };
      const wrong = await studioRejectionOf(downloadBookModel(here, download));
      expect(wrong.code).toBe('CHECKSUM_MISMATCH');
      expect(listImportedModels(download.store).models).toEqual([]);
      const right = { ...here, sha1: createHash('sha1').update(bytes).digest('hex') };
      const model = await downloadBookModel(right, download);
      expect(model).toMatchObject({
        family: 'book',
        model: { heads: source.heads, layers: source.layers, vocabularySize: 8 },
        tokenizer: { kind: 'words' },
        origin: { source: right.url, revision: null },
      });
      expect(existsSync(join(dataDirectory, 'downloads', 'models', 'book', right.sha1))).toBe(false);
    },
  );

  test('can be brought as an archive', async () => {
    const dataDirectory = temporaryFolder();
    const source = { ...requireBookModel('bert.small'), url: `${await closedOrigin()}/bert.small.torch.zip` };
    const download = {
      store: join(dataDirectory, 'models'),
      dataDirectory,
      name: 'b',
      licence: null,
      labels: null,
      sentences: 2,
    } as const;
    const error = await studioRejectionOf(downloadBookModel(source, download));
    expect(error.code).toBe('OFFLINE');
    expect(error.nextStep).toContain(source.sha1);
    expect(error.nextStep).toContain('models import bert.small.torch.zip --name b');
  });
});
