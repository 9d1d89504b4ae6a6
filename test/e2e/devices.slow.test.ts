/**
 * @file Tests. Devices in a real Chromium: what there is and who uses it, a run's choice, and what the queue waits for. The GPUs
 * are told by a program of ours, nothing is computed on them.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { claimRun } from '../../main/db/lease.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { setState } from '../../main/db/runState.ts';
import { createRun } from '../../main/db/runs.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import type { DeviceName } from '../../shared/devices.ts';
import { setVariable } from '../support/fakePrograms.ts';
import { nvidiaMachine, SECOND_UUID, seemToInstallCuda } from '../support/nvidiaMachine.ts';
import { sampleConfig, sampleEnvironment } from '../support/sampleRun.ts';
import { importTinyPairs } from '../support/studioCalls.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');

let folder: string;
let studio: StudioInBrowser;
let page: Page;

/** A run that this process, which is not the studio's queue, works on. */
function runOn(device: DeviceName, name: string): string {
  const store = openStudioDatabase(join(folder, 'studio.db'));
  const run = createRun(store, { config: sampleConfig(), environment: sampleEnvironment, name });
  claimRun(store, run, [device]);
  setState(store, run, 'running');
  store.close();
  return run;
}

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await buildPagesIfNeeded(() => {});
  folder = temporaryFolder();
  await importTinyPairs(folder);
  seemToInstallCuda(folder);
  studio = await StudioInBrowser.open(folder);
  page = studio.page;
});
// Every test: what is set for a test ends with it.
beforeEach(() => {
  setVariable('TMPDIR', temporaryFolder());
  nvidiaMachine().setProcesses([`${SECOND_UUID}, 1, /usr/bin/python3, 2048`]);
});
afterAll(async () => {
  await studio.close();
});

async function picture(name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await studio.setTheme(theme);
    expect(await studio.seriousViolations()).toEqual([]);
    await page.screenshot({ path: join(SCREENSHOTS, `devices-${name}-${theme}.png`) });
  }
}

it('shows runs side by side, what waits for whom, and the devices; a new run chooses among them', async () => {
  const first = runOn('cuda:0', 'seed 1');
  runOn('cpu', 'on the processor');
  const store = openStudioDatabase(join(folder, 'studio.db'));
  for (const [place, name] of ['seed 2', 'seed 3'].entries())
    createRun(store, {
      ...{
        config: { ...sampleConfig(), engine: 'tensorflow' as const },
        environment: sampleEnvironment,
        name,
      },
      ...{ devices: place === 0 ? (['cuda:1'] as const).slice() : 1, queue: { place, threads: null } },
    });
  store.close();

  await studio.goTo('#/queue');
  await page.getByText('cuda:0, started in a terminal').waitFor();
  await page.getByText('cpu, started in a terminal').waitFor();
  await page.getByText('waits for cuda:1: python3 (process 1)', { exact: true }).waitFor();
  await page.getByText('waits for cuda:0: seed 1; cuda:1: python3 (process 1)').waitFor();
  await page.getByText('1 more trains').waitFor();
  await picture('queue');
  // On a phone nothing is pushed out of the page.
  await page.setViewportSize({ width: 390, height: 800 });
  await page.screenshot({ path: join(SCREENSHOTS, 'devices-queue-narrow.png') });
  for (const button of await page.getByRole('button', { name: /^(Start beside it|Remove)/ }).all()) {
    const box = (await button.boundingBox())!;
    expect(box.x + box.width).toBeLessThanOrEqual(390);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  // It has no folder and fails: what is looked at is that it waits no longer, while the other one does.
  await page.getByRole('button', { name: 'Start beside it: seed 2' }).click();
  await page.getByText('seed 2 does not wait for other programs any more').waitFor();
  await page.getByRole('listitem', { name: 'seed 2, place 1 of 2' }).waitFor({ state: 'detached' });
  await page.getByRole('listitem', { name: 'seed 3, place 1 of 1' }).waitFor();
  await page.getByRole('button', { name: 'Start beside it: seed 3' }).waitFor();

  await studio.goTo('#/engines');
  const device = page.getByRole('region', { name: 'Devices' }).getByRole('row');
  // The doctor takes longer.
  await page.getByRole('region', { name: 'wasm' }).waitFor();
  await device.filter({ hasText: 'cuda:1' }).filter({ hasText: 'python3 (process 1)' }).waitFor();
  await device.filter({ hasText: 'cuda:0' }).filter({ hasText: 'seed 1' }).waitFor();
  await picture('engines');

  await studio.goTo(`#/new?clone=${first}`);
  // What is chosen sooner is written over by what the run had.
  await page.getByText('cloned from seed 1').waitFor();
  await page.getByLabel('Engine', { exact: true }).selectOption('tensorflow');
  const choice = page.getByLabel('Device', { exact: true });
  await expect
    .poll(() => choice.locator('option').allTextContents())
    .toEqual([
      'one that is free',
      'cuda:0 NVIDIA H200 (in use)',
      'cuda:1 NVIDIA H200 (in use)',
      'cpu processor (in use)',
      'all that are free then',
      'all 2',
    ]);
  await choice.selectOption('cuda:1');
  await picture('new');
  await page.getByLabel('Engine', { exact: true }).selectOption('wasm');
  await choice.waitFor({ state: 'detached' });
  expect(studio.complaints).toEqual([]);
});
