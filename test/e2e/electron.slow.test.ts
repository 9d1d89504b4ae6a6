/**
 * @file Tests. The built desktop in a real Electron: its window, its page, its processes. Where Electron's binary is not
 * (packages run no code when they are installed, so it was never fetched), one line says loudly what was not run.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';
import { type RunningElectron, startElectron, whyNoElectron } from './electronHere.ts';

interface Here {
  readonly electron: RunningElectron;
  readonly page: Page;
}

/** A call of the contract, as the page makes it. */
async function ask<Name extends RouteName>(
  page: Page,
  route: Name,
  input: Input<Name>,
): Promise<Output<Name>> {
  const words: [name: string, value: unknown] = [route, input];
  const result = await page.evaluate(([name, value]) => window.studio!.request(name, value), words);
  if (!result.ok) throw new Error(`${route}: ${result.error.code} ${result.error.message}`);
  return result.value as Output<Name>;
}

const CHECKS: Readonly<Record<string, (here: Here) => Promise<void>>> = {
  'shows the studio at its own address': async ({ page }) => {
    await page.getByRole('heading', { name: 'Begin' }).waitFor();
    expect(page.url()).toMatch(/^app:\/\/studio\//);
  },

  'has one window, locked down': async ({ electron }) => {
    const preferences = await electron.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map(({ webContents }) => {
        type Preferences = { getLastWebPreferences(): Record<string, unknown> };
        const set = (webContents as unknown as Preferences).getLastWebPreferences();
        const named = ['nodeIntegration', 'contextIsolation', 'sandbox', 'webviewTag', 'webSecurity'];
        return Object.fromEntries(named.map((name) => [name, set[name]]));
      }),
    );
    expect(preferences).toEqual([
      { nodeIntegration: false, contextIsolation: true, sandbox: true, webviewTag: false, webSecurity: true },
    ]);
  },

  'gives the page two functions and nothing of Node': async ({ page }) => {
    expect(await page.evaluate(() => Object.keys(window.studio!))).toEqual(['request', 'subscribe']);
    const found = await page.evaluate(() =>
      ['require', 'process', 'module', 'Buffer'].filter((name) => name in window),
    );
    expect(found).toEqual([]);
  },

  'refuses what cannot be cloned': async ({ page }) => {
    const refusal = await page.evaluate(() =>
      window.studio!.request('app/info', { f: () => {} }).then(
        () => 'answered',
        () => 'refused',
      ),
    );
    expect(refusal).toBe('refused');
  },

  'goes nowhere else, opens no window, reads no file': async ({ electron, page }) => {
    const outcome = await page.evaluate(async () => {
      const opened = window.open('https://elsewhere.test/');
      const file = await fetch('file:///etc/hostname').then(
        () => 'read',
        () => 'refused',
      );
      window.location.href = 'https://elsewhere.test/';
      return { opened: opened !== null, file };
    });
    expect(outcome).toEqual({ opened: false, file: 'refused' });
    expect(page.url()).toMatch(/^app:\/\/studio\//);
    expect(electron.app.windows()).toHaveLength(1);
  },

  'gives no permission': async ({ page }) => {
    expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
  },

  'imports and trains in processes of their own, and the page hears of it': async ({ page }) => {
    await ask(page, 'datasets/importSample', {});
    await page.getByRole('link', { name: 'Data sets 1' }).waitFor();
    const hyperparameters = hyperparametersSchema.parse({
      ...{ size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen: 32 },
      ...{ batchSize: 512, epochs: 1 },
    });
    const request = { dataset: 'sample', hyperparameters, engine: 'wasm' as const, threads: 1 };
    const { ids } = await ask(page, 'queue/add', { requests: [request], place: 'back' });
    const { state } = await until(
      () => ask(page, 'runs/show', { run: ids[0]! }),
      (shown) => shown.state === 'completed' || shown.state === 'failed',
    );
    expect(state).toBe('completed');
  },
};

const reason = whyNoElectron();

if (reason === null)
  describe('the desktop in Electron', () => {
    let here: Here;

    beforeAll(async () => {
      const electron = await startElectron(join(temporaryFolder(), 'data'));
      here = { electron, page: await electron.app.firstWindow() };
    });

    afterAll(() => here?.electron.close());

    for (const [name, check] of Object.entries(CHECKS)) it(name, () => check(here));
  });
// Not skipped: a machine without Electron's binary is no defect, but nobody shall overlook what it did not check.
else
  it('says what it cannot check', () => {
    process.stderr.write(`\nSKIPPED: ${reason} — ${Object.keys(CHECKS).length} checks not run\n`);
    expect(Object.keys(CHECKS).length).toBeGreaterThan(0);
  });
