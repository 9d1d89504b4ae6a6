/** @file Tests. Importing a model in the studio, asking it, fine-tuning from it: in a real Chromium over the real host; each page looked at by axe. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFixture } from '../golden/fixtures.ts';
import { bookArchive, goldenFolder } from '../support/importableModels.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
const [premise, hypothesis] = readFixture('hugging_face.json').texts[0]!;
let studio: StudioInBrowser;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  studio = await StudioInBrowser.open(temporaryFolder());
});

afterAll(async () => {
  await studio?.close();
});

/** In both themes. */
async function look(name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await studio.setTheme(theme);
    expect(await studio.seriousViolations(), `${name}, ${theme}`).toEqual([]);
    await studio.page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}.png`) });
  }
}

/** Through the listing of the studio's machine. */
async function choose(path: string): Promise<void> {
  const { page } = studio;
  await page.getByRole('button', { name: "On the studio's machine …" }).click();
  await page.getByLabel('Path').fill(path);
  await page.getByRole('button', { name: 'Use this' }).click();
}

it('leads from no model to one that is imported and asked', async () => {
  const { page } = studio;
  await studio.goTo('#/models');
  await page.getByRole('heading', { name: 'No models yet' }).waitFor();
  await look('models-empty');
  await page.getByRole('link', { name: 'Import a model' }).click();
  await page.getByRole('heading', { name: 'Choose a model' }).waitFor();
  await choose(join(temporaryFolder(), 'nothing'));
  await page.getByRole('alert').waitFor();
  await look('models-import-wrong');
  await choose(goldenFolder('hf_bert_classifier'));
  await page.getByText('2 layers, 8 wide, 2 heads, feed-forward 12, 20 positions').waitFor();
  await page.getByLabel('Name of the model').fill('r1abc');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('it could be the id of a run').waitFor();
  await page.getByLabel('Name of the model').fill('tiny-nli');
  await page.getByLabel('Licence, if you know it').fill('apache-2.0');
  await look('models-import');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('heading', { name: 'tiny-nli' }).waitFor();
  await page.getByText('entailment, contradiction, neutral').waitFor();
  await look('models-one');
  await page.getByRole('link', { name: 'Ask', exact: true }).click();
  await page.getByLabel('Premise').fill(premise);
  await page.getByLabel('Hypothesis').fill(hypothesis);
  // As transformers answers (test/golden/hugging_face.json): 0.453, 0.3826, 0.1645.
  await page.getByText('45.3 %').waitFor();
});

it('asks what the outputs of a head mean, takes it later too, and asks nothing of the book', async () => {
  const { page } = studio;
  const folder = goldenFolder('hf_distilbert_classifier', { LABEL_0: true });
  await studio.goTo('#/models?import=yes');
  await choose(folder);
  await page.getByRole('group', { name: 'What its outputs mean' }).waitFor();
  await look('models-import-labels');
  await page.getByLabel('Name of the model').fill('unnamed');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('heading', { name: 'It cannot be asked yet' }).waitFor();
  await look('models-unlabelled');
  for (const [output, label] of ['contradiction', 'neutral', 'entailment'].entries())
    await page.getByLabel(`LABEL_${output}`).fill(label);
  await page.getByRole('button', { name: 'Use these names' }).click();
  await page.getByRole('link', { name: 'Ask', exact: true }).waitFor();
  expect((await studio.call('models/show', { name: 'unnamed' })).head?.labels).toEqual([
    'entailment',
    'contradiction',
    'neutral',
  ]);
  await studio.goTo('#/models?import=yes');
  await choose(bookArchive('bert.small'));
  await page.getByText('2 layers, 256 wide, 4 heads').waitFor();
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('heading', { name: 'bert.small' }).waitFor();
});

it('fine-tunes from an imported model with the recipe of its kind', async () => {
  const { page } = studio;
  const { job } = await studio.call('datasets/importSample', {});
  await studio.until(
    async () => (await studio.call('jobs/list', {})).find(({ id }) => id === job)!.state,
    (state) => state === 'done',
  );
  await studio.goTo('#/models/tiny-nli');
  await page.getByRole('link', { name: 'Fine-tune from this' }).click();
  const from = page.getByLabel('Start from');
  await studio.until(
    () => from.inputValue(),
    (value) => value === 'tiny-nli',
  );
  await expect.poll(() => page.getByLabel('Optimizer').inputValue()).toBe('adamw');
  expect(await page.getByLabel('Batch size').inputValue()).toBe('64');
  expect(await page.getByLabel('Longest pair').inputValue()).toBe('20');
  await look('new-from-model');
  await page.getByLabel('Epochs').fill('1');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText('completed').first().waitFor({ timeout: 600_000 });
  const run = (await studio.call('runs/table', {})).ids[0]!;
  expect((await studio.call('runs/show', { run })).config.base?.name).toBe('tiny-nli');
  await studio.goTo('#/models');
  await page.getByRole('region', { name: 'Imported models' }).waitFor();
  await page.getByRole('region', { name: 'Models', exact: true }).waitFor();
  await look('models');
});

it('deletes a model when its name is typed, and tells pages of models that came from elsewhere', async () => {
  const { page } = studio;
  await studio.goTo('#/models/bert.small');
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('bert.small');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Models' }).waitFor();
  await page.getByRole('link', { name: 'bert.small' }).waitFor({ state: 'detached' });
  expect(studio.complaints).toEqual([]);
});
