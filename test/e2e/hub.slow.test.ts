/** @file Tests. The studio's way to a hub in a real Chromium: look, download with progress, and evaluate on what came. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type HubServer, hubServer } from '../support/hubServer.ts';
import { BERT, BERT_CONFIG, prefixed, safetensorsFolder } from '../support/huggingFaceFolders.ts';
import { parquetBytes } from '../support/parquetBytes.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'man', 'sleeps', '.', '##s'];
const HEAD = [
  ['classifier.weight', [3, 8]],
  ['classifier.bias', [3]],
] as const;
const CONFIG = {
  ...BERT_CONFIG,
  architectures: ['BertForSequenceClassification'],
  id2label: { 0: 'contradiction', 1: 'entailment', 2: 'neutral' },
};

function hansTable(): Buffer {
  const rows = Array.from({ length: 40 }, (_, at) => at);
  return parquetBytes(
    [
      { name: 'premise', data: rows.map((at) => `${at} a man sleeps.`), type: 'STRING' },
      { name: 'hypothesis', data: rows.map(() => 'a man.'), type: 'STRING' },
      { name: 'label', data: rows.map((at) => BigInt(at % 2)), type: 'INT64' },
      {
        name: 'heuristic',
        data: rows.map((at) => (at < 20 ? 'subsequence' : 'constituent')),
        type: 'STRING',
      },
    ],
    { names: ['entailment', 'non-entailment'] },
  );
}

let models: HubServer;
let data: HubServer;
let studio: StudioInBrowser;

beforeAll(async () => {
  vi.stubEnv('HF_HOME', temporaryFolder());
  studio = await StudioInBrowser.open();
});

afterAll(async () => {
  await studio?.close();
  vi.unstubAllEnvs();
});

it('brings a model and a data set, and judges the one on the other by heuristic', async () => {
  const folder = safetensorsFolder(CONFIG, [...prefixed('bert.', BERT), ...HEAD]);
  models = await hubServer({
    repository: 'owner/tiny-nli',
    files: {
      'config.json': JSON.stringify(CONFIG),
      'model.safetensors': readFileSync(join(folder, 'model.safetensors')),
      'vocab.txt': `${WORDS.join('\n')}\n`,
    },
    large: ['model.safetensors'],
    card: { license: 'mit' },
  });
  data = await hubServer({
    repository: 'datasets/owner/hans',
    files: {
      'README.md': 'x',
      'data/validation-00000-of-00001.parquet': hansTable(),
      'data/other.parquet': hansTable(),
    },
  });
  const { page } = studio;
  vi.stubEnv('HF_ENDPOINT', models.origin);
  await studio.goTo('#/models');
  await page.getByRole('button', { name: 'Download one' }).click();
  const dialog = page.getByRole('dialog', { name: 'Download a model' });
  await dialog.getByLabel('Owner and name').fill('owner/nothing');
  await dialog.getByRole('button', { name: 'Look' }).click();
  await dialog.getByText('has no hf:owner/nothing').waitFor();
  await dialog.getByLabel('Owner and name').fill('owner/tiny-nli');
  await dialog.getByRole('button', { name: 'Look' }).click();
  await dialog.getByText('licence mit').waitFor();
  await dialog.getByRole('cell', { name: 'model.safetensors' }).waitFor();
  expect(await studio.seriousViolations()).toEqual([]);
  await dialog.getByRole('button', { name: /^Download \d/ }).click();
  await page.getByRole('heading', { name: 'tiny-nli' }).waitFor();
  expect(await studio.call('models/show', { name: 'tiny-nli' })).toMatchObject({
    origin: { source: 'hf:owner/tiny-nli' },
    licence: 'mit',
  });

  vi.stubEnv('HF_ENDPOINT', data.origin);
  await studio.goTo('#/datasets');
  await page.getByRole('button', { name: 'From a hub…' }).click();
  const sets = page.getByRole('dialog', { name: 'A data set of a hub' });
  await sets.getByLabel('Owner and name').fill(`${data.origin}/datasets/owner/hans`);
  await sets.getByRole('button', { name: 'Look' }).click();
  await sets.getByText('no licence named').waitFor();
  expect(await sets.getByLabel(/^validation/).isChecked()).toBe(true);
  expect(await sets.getByLabel(/^other/).isChecked()).toBe(false);
  expect(await studio.seriousViolations()).toEqual([]);
  await sets.getByRole('button', { name: /^Download \d/ }).click();
  await page.getByRole('heading', { name: 'hans' }).waitFor();
  expect((await studio.call('datasets/show', { name: 'hans' })).rows).toEqual({ train: 0, dev: 40, test: 0 });

  await studio.goTo('#/models/tiny-nli');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  const table = page.getByRole('region', { name: 'Accuracy by heuristic' });
  await table.getByRole('cell', { name: 'subsequence' }).waitFor();
  expect(await table.getByRole('row').count()).toBe(3);
  expect(await studio.seriousViolations()).toEqual([]);
  // A repository that is not there is told by the dialog; nothing else was complained about.
  expect(studio.complaints.filter((text) => !text.includes('404'))).toEqual([]);
});
