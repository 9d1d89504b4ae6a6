/**
 * @file Tests. Draws the PNG files of resources/icons/ from the SVG files beside them, by the Chromium of the tests:
 * `node bin/entail.js --run test/packaging/drawIcons.ts` after the mark was changed. A test compares them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/builtPage.ts';

export const ICON_FOLDER = join(import.meta.dirname, '..', '..', 'resources', 'icons');

interface Icon {
  readonly file: string;
  readonly drawing: string;
  readonly sidePixels: number;
}

/** electron-builder makes icon.icns and icon.ico from the large one; Electron takes "@2x" for dense screens itself. */
export const ICONS: readonly Icon[] = [
  { file: 'icon.png', drawing: 'icon.svg', sidePixels: 1024 },
  { file: 'tray.png', drawing: 'icon.svg', sidePixels: 16 },
  { file: 'tray@2x.png', drawing: 'icon.svg', sidePixels: 32 },
  { file: 'trayTemplate.png', drawing: 'trayTemplate.svg', sidePixels: 16 },
  { file: 'trayTemplate@2x.png', drawing: 'trayTemplate.svg', sidePixels: 32 },
];

/** The bytes of the PNG, transparent where nothing is drawn. */
export async function drawIcon(browser: Browser, { drawing, sidePixels }: Icon): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: sidePixels, height: sidePixels } });
  const svg = readFileSync(join(ICON_FOLDER, drawing));
  await page.setContent(
    `<style>body { margin: 0 } img { display: block; width: 100vw; height: 100vh }</style>
     <img src="data:image/svg+xml;base64,${svg.toString('base64')}">`,
  );
  await page.waitForFunction('document.images[0].complete && document.images[0].naturalWidth > 0');
  const bytes = await page.screenshot({ omitBackground: true });
  await page.close();
  return bytes;
}

if (process.argv[1] === import.meta.filename) {
  const browser = await launchChromium();
  for (const icon of ICONS) writeFileSync(join(ICON_FOLDER, icon.file), await drawIcon(browser, icon));
  await browser.close();
}
