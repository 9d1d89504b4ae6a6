/** @file Tests. `datasets download snli` against a server on loopback: what is checked, kept, and said without a network. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Cache, openCache } from '../../../main/data/cache.ts';
import { listDatasets } from '../../../main/data/datasets.ts';
import { downloadSnli, type SnliProgress } from '../../../main/data/downloadSnli.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { zipBytes } from '../../support/zipBytes.ts';

const HEADER =
  'gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tcaptionID\tpairID\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\n';

function snliRow(label: string, at: number): string {
  const [premise, hypothesis] = [`( ( Man ${at} ) ( rides . ) )`, '( ( A man ) ( is ( outside . ) ) )'];
  const raw = [`Man ${at} rides.`, 'A man is outside.'];
  return `${[label, premise, hypothesis, premise, hypothesis, ...raw, 'c', 'p', label, '', '', '', ''].join('\t')}\n`;
}

/** A small snli_1.0.zip, laid out as the official one. */
function smallSnli(): Buffer {
  const labels = ['entailment', 'contradiction', 'neutral', '-'];
  const file = (rows: number): string =>
    HEADER + Array.from({ length: rows }, (_, at) => snliRow(labels[at % 4]!, at)).join('');
  return zipBytes([
    { name: 'snli_1.0/snli_1.0_train.txt', content: file(40) },
    { name: 'snli_1.0/snli_1.0_dev.txt', content: file(8) },
    { name: 'snli_1.0/snli_1.0_test.txt', content: file(8) },
  ]);
}

const sha1 = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

/** Serves `bytes` at every path; returns the address and how often it was asked. */
async function serve(bytes: Buffer): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => new Promise<void>((done) => server.close(() => done())));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/snli_1.0.zip`,
    requests: () => requests,
  };
}

function newCache(): { cache: Cache; dataDirectory: string } {
  const dataDirectory = temporaryFolder();
  const cache = openCache(join(dataDirectory, 'cache.db'));
  onTestFinished(() => cache.close());
  return { cache, dataDirectory };
}

describe('downloading SNLI', () => {
  test('fetches, checks and imports it, and tells how far it is', async () => {
    const { cache, dataDirectory } = newCache();
    const bytes = smallSnli();
    const { url } = await serve(bytes);
    const steps: SnliProgress[] = [];
    const onProgress = (progress: SnliProgress): void => {
      steps.push(progress);
    };
    const dataset = await downloadSnli(cache, {
      dataDirectory,
      source: { url, sha1: sha1(bytes) },
      onProgress,
    });
    expect(dataset).toMatchObject({ name: 'snli', rows: { train: 30, dev: 6, test: 6 } });
    expect(dataset.labels).toEqual(['entailment', 'contradiction', 'neutral']);
    expect(dataset.report.unlabelledRows).toBe(14);
    expect(readFileSync(join(dataDirectory, 'downloads', 'snli_1.0.zip')).equals(bytes)).toBe(true);
    expect(steps[0]?.step).toBe('download');
    expect(steps.at(-1)?.step).toBe('import');
  });

  test('bytes with another SHA-1 are never read, and not kept as the real file', async () => {
    const { cache, dataDirectory } = newCache();
    const { url } = await serve(smallSnli());
    const source = { url, sha1: '0'.repeat(40) };
    const error = await studioRejectionOf(downloadSnli(cache, { dataDirectory, source }));
    expect(error.code).toBe('CHECKSUM_MISMATCH');
    expect(existsSync(join(dataDirectory, 'downloads', 'snli_1.0.zip'))).toBe(false);
    expect(listDatasets(cache)).toEqual([]);
  });

  test('without a network it says how to import the file by hand', async () => {
    const { cache, dataDirectory } = newCache();
    // Port 9 of loopback: nobody listens.
    const source = { url: 'http://127.0.0.1:9/snli_1.0.zip', sha1: '0'.repeat(40) };
    const error = await studioRejectionOf(downloadSnli(cache, { dataDirectory, source }));
    expect(error.code).toBe('OFFLINE');
    expect(error.nextStep).toContain('npx --no entail datasets import');
    expect(error.nextStep).toContain(source.url);
    expect(error.nextStep).toContain(source.sha1);
  });

  test('a name that is taken is refused before anything is fetched', async () => {
    const { cache, dataDirectory } = newCache();
    const bytes = smallSnli();
    const { url, requests } = await serve(bytes);
    const options = { dataDirectory, source: { url, sha1: sha1(bytes) } };
    await downloadSnli(cache, options);
    const asked = requests();
    expect((await studioRejectionOf(downloadSnli(cache, options))).code).toBe('ALREADY_EXISTS');
    expect(requests()).toBe(asked);
  });

  test('a file that is there and right is not fetched again; one that is wrong is', async () => {
    const { cache, dataDirectory } = newCache();
    const bytes = smallSnli();
    const { url, requests } = await serve(bytes);
    const options = { dataDirectory, source: { url, sha1: sha1(bytes) } };
    await downloadSnli(cache, { ...options, name: 'first' });
    const asked = requests();
    await downloadSnli(cache, { ...options, name: 'second' });
    expect(requests()).toBe(asked);
    const [file] = readdirSync(join(dataDirectory, 'downloads'));
    writeFileSync(join(dataDirectory, 'downloads', file!), 'something else');
    await downloadSnli(cache, { ...options, name: 'third' });
    expect(requests()).toBeGreaterThan(asked);
    expect(listDatasets(cache).map(({ name }) => name)).toEqual(['first', 'second', 'third']);
  });
});
