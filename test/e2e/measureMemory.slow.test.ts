/** @file Tests. A configuration that the memory does not suffice for: the form of a new run says so, and takes what it offers. */
import { expect, it, onTestFinished } from 'vitest';
import { samplePath } from '../../main/studio/sampleDataset.ts';
import { launchChromium } from '../support/builtPage.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { openHeadless } from '../support/headlessHost.ts';
import { runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** As in faults/outOfMemory.slow.test.ts: more than Node takes, less than the network below. */
const LIMIT_KIB = 12_000_000;
const WIDE = { size: 'free', layers: 3, hidden: 4, heads: 1, feedForward: 16_384 };

it('a measurement that runs out of memory offers half of the largest micro-batch, until it fits', async ({
  skip,
}) => {
  if (process.platform !== 'linux') skip('only Linux limits the addresses of a process');
  engineForTests('native', skip);
  const home = temporaryFolder();
  expect((await runEntail(['datasets', 'import', samplePath(), '--name', 'pairs'], { home })).code).toBe(0);
  const host = await openHeadless(home, [], { addressesKib: LIMIT_KIB });
  onTestFinished(() => host.end('SIGTERM'));
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const hyperparameters = { ...WIDE, batchSize: 16_384, microBatchTokens: 1_048_576 };
  const settings = encodeURIComponent(JSON.stringify({ dataset: 'pairs', hyperparameters }));
  await page.goto(`${host.origin}/#k=${host.key}&to=${encodeURIComponent(`/new?settings=${settings}`)}`);
  const panel = page.getByRole('complementary', { name: 'Before it starts' });
  await panel.getByRole('button', { name: 'Measure time and memory' }).click();

  const offer = panel.getByRole('button', { name: /^Allow [\d,]+ tokens at once, and measure$/ });
  await offer.waitFor();
  const text = await panel.getByRole('alert').innerText();
  const [, tokens] = /which has the same gradient: (\d+) micro-batch tokens/.exec(text) ?? [];
  // 15,104 pairs of some fourteen tokens: half of what was allowed would change nothing.
  expect(Number(tokens)).toBeGreaterThan(50_000);
  expect(Number(tokens)).toBeLessThan(150_000);
  expect(await offer.innerText()).toContain(Number(tokens).toLocaleString('en'));

  const measured = panel.getByText('not measured yet');
  while ((await measured.count()) > 0) {
    if (await offer.isVisible()) await offer.click();
    await page.waitForTimeout(200);
  }
  const field = page.getByLabel('Micro-batch tokens');
  expect(Number(await field.inputValue())).toBeLessThanOrEqual(Number(tokens));
});
