/** @file Tests. `datasets download hf:…` against a hub on loopback: which files are taken, what labels mean, what is told. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCache } from '../../../main/data/cache.ts';
import { examples, listDatasets } from '../../../main/data/datasets.ts';
import {
  downloadHubDataset,
  type HubDatasetOptions,
  type HubDatasetProgress,
} from '../../../main/data/downloadHubDataset.ts';
import { parseHubReference } from '../../../main/hub/hubReference.ts';
import { hubSettings } from '../../../main/hub/hubSettings.ts';
import {
  HUB_COMMIT,
  type HubContent,
  type HubServer,
  hubServer,
  type Interfering,
} from '../../support/hubServer.ts';
import { closedOrigin } from '../../support/loopbackServer.ts';
import { pairsParquet } from '../../support/parquetBytes.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const NAMES = ['entailment', 'neutral', 'contradiction'];
const CONVERTED_COMMIT = 'c'.repeat(40);

function table(rows: number, names: readonly string[] | undefined = NAMES): Buffer {
  const pairs = Array.from({ length: rows }, (_, at) => ({
    premise: `Man ${at} sleeps.`,
    hypothesis: 'He rests.',
    label: at % 4 === 3 ? -1 : at % 4,
  }));
  return pairsParquet(pairs, names === undefined ? {} : { names });
}

const SNLI: HubContent = {
  repository: 'datasets/stanfordnlp/snli',
  files: {
    'README.md': '# SNLI',
    'plain_text/train-00000-of-00002.parquet': table(8),
    'plain_text/train-00001-of-00002.parquet': table(4),
    'plain_text/validation-00000-of-00001.parquet': table(4),
    'plain_text/test-00000-of-00001.parquet': table(4),
  },
  large: ['plain_text/train-00000-of-00002.parquet', 'plain_text/train-00001-of-00002.parquet'],
  card: { license: 'cc-by-sa-4.0' },
};

interface Prepared {
  readonly dataDirectory: string;
  readonly steps: HubDatasetProgress[];
  download(
    options?: Partial<HubDatasetOptions> & { readonly from?: string },
  ): ReturnType<typeof downloadHubDataset>;
  readonly cache: ReturnType<typeof openCache>;
  readonly server: HubServer;
}

async function prepare(
  content: HubContent,
  interfere: { hub?: Interfering; store?: Interfering } = {},
): Promise<Prepared> {
  const server = await hubServer(content, interfere);
  const dataDirectory = temporaryFolder();
  const cache = openCache(join(dataDirectory, 'cache.db'));
  onTestFinished(() => cache.close());
  const steps: HubDatasetProgress[] = [];
  const settings = hubSettings({ HF_ENDPOINT: server.origin, HF_HOME: dataDirectory });
  const download: Prepared['download'] = ({ from, ...options } = {}) =>
    downloadHubDataset(cache, {
      ...{ settings, dataDirectory, limits: { firstPauseMs: 1 } },
      reference: parseHubReference(from ?? `hf:${content.repository.replace('datasets/', '')}`),
      onProgress: (progress) => steps.push(progress),
      ...options,
    });
  return { server, dataDirectory, cache, steps, download };
}

describe('a data set of a hub', () => {
  test('is fetched, checked and imported, with what is fetched told first, and nothing left behind', async () => {
    const { download, steps, cache, dataDirectory } = await prepare(SNLI);
    const dataset = await download();
    expect(dataset).toMatchObject({
      name: 'snli',
      labels: ['entailment', 'contradiction', 'neutral'],
      rows: { train: 9, dev: 3, test: 3 },
      source: `hf:stanfordnlp/snli@${HUB_COMMIT}`,
    });
    expect(dataset.report).toMatchObject({ unlabelledRows: 5, rejected: [], mapping: { format: 'parquet' } });
    const [second] = examples(cache, dataset.id, 'train', { from: 1, count: 1 });
    // The hub's 1 is neutral, the book's 2.
    expect(second).toMatchObject({ label: 2, premise: { raw: 'Man 1 sleeps.' } });
    expect(steps[0]).toMatchObject({
      step: 'plan',
      plan: {
        config: 'plain_text',
        splits: ['train', 'validation', 'test'],
        files: 4,
        license: 'cc-by-sa-4.0',
        leftOut: [],
      },
    });
    expect(steps.some(({ step }) => step === 'download')).toBe(true);
    expect(readdirSync(join(dataDirectory, 'downloads'))).toEqual([]);
  });

  test('of several parts needs --config; splits are chosen by the name that the hub gives them', async () => {
    const glue: HubContent = {
      repository: 'datasets/nyu-mll/glue',
      files: {
        'cola/train-00000-of-00001.parquet': table(4),
        'mnli/train-00000-of-00001.parquet': table(4),
        'mnli/validation_matched-00000-of-00001.parquet': table(4),
        'mnli/validation_mismatched-00000-of-00001.parquet': table(8),
      },
    };
    const { download, steps } = await prepare(glue);
    const several = await studioRejectionOf(download());
    expect([several.code, several.message]).toEqual([
      'USAGE',
      'hf:nyu-mll/glue holds 2 data sets: cola, mnli.',
    ]);
    const dataset = await download({ config: 'mnli' });
    expect(dataset).toMatchObject({ name: 'glue-mnli', rows: { train: 3, dev: 9, test: 0 } });
    const matched = await download({ config: 'mnli', splits: ['validation_matched'], name: 'matched' });
    expect(matched.rows).toEqual({ train: 0, dev: 3, test: 0 });
    expect(steps.findLast(({ step }) => step === 'plan')).toMatchObject({
      plan: { leftOut: ['train', 'validation_mismatched'] },
    });
    expect((await studioRejectionOf(download({ config: 'sst', name: 'x' }))).message).toContain('cola, mnli');
    expect(
      (await studioRejectionOf(download({ config: 'mnli', splits: ['dev'], name: 'x' }))).message,
    ).toContain('validation_matched');
  });

  test("is laid out as its card says, and labels mean what the card says where the file doesn't", async () => {
    const names = { 0: 'entailment', 1: 'neutral', 2: 'contradiction' };
    const { download } = await prepare({
      repository: 'datasets/o/d',
      files: {
        'a/x1.parquet': table(4, undefined),
        'b/deep/y.parquet': table(4, undefined),
        'c/z.parquet': table(4),
      },
      card: {
        configs: [
          {
            config_name: 'first',
            default: true,
            data_files: [
              { split: 'train', path: 'a/x?.parquet' },
              { split: 'test', path: ['b/**'] },
            ],
          },
          { config_name: 'second', data_files: 'c/*.parquet' },
        ],
        dataset_info: [
          { config_name: 'first', features: [{ name: 'label', dtype: { class_label: { names } } }] },
        ],
      },
    });
    const dataset = await download();
    expect(dataset).toMatchObject({
      rows: { train: 3, dev: 0, test: 3 },
      labels: ['entailment', 'contradiction', 'neutral'],
    });
  });

  test('in another format is taken as the hub has converted it', async () => {
    const { download } = await prepare({
      repository: 'datasets/o/old',
      files: { 'old.py': 'x', 'README.md': '' },
      revisions: { 'refs/convert/parquet': CONVERTED_COMMIT },
      filesAt: {
        [CONVERTED_COMMIT]: {
          'default/train/0000.parquet': table(4),
          'default/validation/0000.parquet': table(8),
          'default/partial-test/0000.parquet': table(8),
        },
      },
    });
    const dataset = await download();
    expect(dataset).toMatchObject({
      rows: { train: 3, dev: 6, test: 0 },
      source: `hf:o/old@${CONVERTED_COMMIT}`,
    });
  });

  test('without any Parquet says so', async () => {
    const { download } = await prepare({ repository: 'datasets/o/none', files: { 'data.csv': 'a' } });
    const error = await studioRejectionOf(download());
    expect([error.code, error.message]).toEqual([
      'NOT_FOUND',
      'hf:o/none has no Parquet files (it has: data.csv).',
    ]);
  });

  test('that cannot be mapped keeps its files, so that the next try needs no network', async () => {
    const odd = pairsParquet([{ premise: 'a', hypothesis: 'b', label: 0 }]);
    const { download, server, dataDirectory } = await prepare({
      repository: 'datasets/o/odd',
      files: { 'train.parquet': odd },
    });
    expect((await studioRejectionOf(download())).code).toBe('BAD_FILE');
    const fetched = () => server.hub.requests.filter(({ url }) => url!.includes('/resolve/')).length;
    expect(fetched()).toBe(1);
    expect((await studioRejectionOf(download({ mapping: { label: 'premise' } }))).code).toBe('BAD_FILE');
    expect(fetched()).toBe(1);
    expect(existsSync(join(dataDirectory, 'downloads', 'datasets', 'o--odd'))).toBe(true);
  });

  test('whose name is taken, or that is too large, is refused before anything is fetched', async () => {
    const { download, server, cache } = await prepare(SNLI);
    await download();
    const asked = server.hub.requests.length;
    expect((await studioRejectionOf(download())).code).toBe('ALREADY_EXISTS');
    expect(server.hub.requests.length).toBe(asked);
    const huge = await prepare(SNLI, {
      hub: ({ url }, response) => {
        if (!url!.includes('/tree/')) return false;
        response.end(
          JSON.stringify([{ type: 'file', path: 'train.parquet', size: 5e9, oid: '0'.repeat(40) }]),
        );
        return true;
      },
    });
    expect((await studioRejectionOf(huge.download())).code).toBe('TOO_LARGE');
    expect(listDatasets(cache)).toHaveLength(1);
  });

  test('is cancelled in the middle, and nothing of it is seen', async () => {
    const cancel = new AbortController();
    const { download, cache } = await prepare(SNLI, {
      store: (_, response) => {
        response.writeHead(200, { 'content-length': 1_000_000 }).write('PAR1');
        cancel.abort();
        return true;
      },
    });
    expect((await studioRejectionOf(download({ signal: cancel.signal }))).code).toBe('CANCELLED');
    expect(listDatasets(cache)).toEqual([]);
  });

  test('without a network can be brought by hand', async () => {
    const { download, dataDirectory } = await prepare(SNLI);
    const settings = hubSettings({ HF_ENDPOINT: await closedOrigin(), HF_HOME: dataDirectory });
    const error = await studioRejectionOf(download({ settings }));
    expect(error.code).toBe('OFFLINE');
    expect(error.nextStep).toContain('datasets import FOLDER');
  });
});
