/** @file Tests. The page Engines tries half precision on a GPU that has it, keeps both reports, and says that it may be used. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { halfPrecisionForTests } from '../support/halfPrecisionHere.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
/** A driver in software compiles for minutes what it has not compiled before. */
const COMPARING_TIMEOUT_MS = 1_200_000;

let studio: StudioInBrowser | null = null;
afterEach(async () => await studio?.close());

it('compares in half precision beside single', { timeout: 2 * COMPARING_TIMEOUT_MS }, async ({ skip }) => {
  await halfPrecisionForTests(skip);
  studio = await StudioInBrowser.open();
  const { page } = studio;
  await studio.goTo('#/engines');
  const webgpu = page.getByRole('region', { name: 'webgpu' });
  await webgpu.getByText('half precision; not tried here').waitFor({ timeout: COMPARING_TIMEOUT_MS });
  await webgpu.getByRole('button', { name: 'Compare in half precision' }).click();
  await webgpu.getByText('half precision is near PyTorch').waitFor({ timeout: COMPARING_TIMEOUT_MS });
  await webgpu.getByText('half precision; tried here').waitFor();
  await webgpu.getByRole('button', { name: 'Compare with PyTorch' }).click();
  await webgpu.getByText('as PyTorch computes').waitFor({ timeout: COMPARING_TIMEOUT_MS });
  mkdirSync(SCREENSHOTS, { recursive: true });
  await webgpu.screenshot({ path: join(SCREENSHOTS, 'halfPrecision.png') });
  await webgpu.getByRole('button', { name: 'Show its report' }).click();
  const report = page.getByRole('dialog').getByLabel('Report');
  expect(await report.textContent()).toContain('precision fp16');
  await page.keyboard.press('Escape');
  await webgpu.getByRole('button', { name: 'Show the report' }).click();
  expect(await report.textContent()).toContain('precision fp32');
  expect(studio.complaints).toEqual([]);
});
