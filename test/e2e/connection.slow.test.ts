/**
 * @file Tests. A page whose connection is cut, as a tunnel's is, and one whose studio is killed and started again: it says
 * so, and when it is back it has missed nothing and shows nothing twice.
 */
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimRun } from '../../main/db/lease.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { appendReports } from '../../main/db/reports.ts';
import { createRun } from '../../main/db/runs.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import { launchChromium } from '../support/builtPage.ts';
import { type HeadlessHost, openHeadless } from '../support/headlessHost.ts';
import { sampleConfig, sampleEnvironment, samplePoints, startedReport } from '../support/sampleRun.ts';
import { shownContents, storedContents } from '../support/shownRun.ts';
import { importTinyPairs } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { openTunnel, type Tunnel } from '../support/tunnel.ts';
import { until } from '../support/until.ts';

/** Long enough to be cut off in the middle, with few enough steps to be drawn point by point. */
const EPOCHS = 70;
const AWAY_MS = 3000;
/** Of a run that another program trains, 25 a second; a page shows the last 500 lines. */
const REPORTS_AT_ONCE = 90;

const folder = temporaryFolder();
let host: HeadlessHost;
let tunnel: Tunnel;
let browser: Browser;
let page: Page;
let lost: Locator;

/** Starts the studio, on the port that it had before. */
async function startStudio(): Promise<void> {
  const port = host === undefined ? '0' : new URL(host.origin).port;
  host = await openHeadless(folder, ['--port', port, '--public-origin', tunnel.origin]);
}

const goTo = (place: string) => page.goto(`${tunnel.origin}/#k=${host.key}&to=${encodeURIComponent(place)}`);
const pointsOf = (run: string) => storedContents(folder, run).curves['step/loss']!.length;
const shows = (run: string) =>
  expect.poll(() => shownContents(page), { interval: 500 }).toEqual(storedContents(folder, run));

/** A run whose page is open when it begins to train, however slow the page is. */
async function trainInSight(): Promise<string> {
  await host.calls.ask('queue/pause', { paused: true });
  const run = await host.calls.add({ epochs: EPOCHS });
  await goTo(`/runs/${run}`);
  await page.getByRole('button', { name: 'More', exact: true }).waitFor();
  await host.calls.ask('queue/pause', { paused: false });
  return run;
}

beforeAll(async () => {
  await buildPagesIfNeeded(() => {});
  await importTinyPairs(folder);
  tunnel = await openTunnel(() => Number(new URL(host.origin).port));
  await startStudio();
  browser = await launchChromium();
});

beforeEach(async () => {
  page = await (await browser.newContext({ viewport: { width: 1440, height: 2600 } })).newPage();
  lost = page.getByText('Runs go on without this page');
});

// It would ask for the studio through every cut of the next tests.
afterEach(async () => {
  await page.context().close();
});

afterAll(async () => {
  await browser?.close();
  tunnel?.cut();
  await host?.end('SIGTERM');
});

describe('a connection that is lost', () => {
  it('is told, and comes back by itself, with what happened meanwhile', async () => {
    await goTo('/settings');
    const theme = page.getByLabel('Theme');
    await theme.waitFor();
    tunnel.cut();
    await lost.waitFor();
    await host.calls.ask('app/changeSettings', { theme: 'dark' });
    expect(await theme.inputValue()).toBe('system');
    await tunnel.restore();
    await lost.waitFor({ state: 'detached' });
    await page.locator('html[data-theme="dark"]').waitFor({ state: 'attached' });
    await expect.poll(() => theme.inputValue()).toBe('dark');
  });

  it('costs a run that trains nothing, and its page not a point', async () => {
    const asked: string[] = [];
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/rpc/series/lines')
        asked.push((request.postDataJSON() as { metric: string }).metric);
    });
    const run = await trainInSight();
    await until(
      () => pointsOf(run),
      (points) => points > 60,
    );
    // It stands still until the page is cut off, or it might be done by then.
    await host.calls.ask('runs/pause', { run });
    await host.calls.untilState(run, 'paused');
    await page.getByRole('region', { name: 'Step loss', exact: true }).waitFor();
    await expect.poll(() => page.getByText('Loading…').count()).toBe(0);
    const askedBefore = new Set(asked.splice(0));
    tunnel.cut();
    await lost.waitFor();
    const before = pointsOf(run);
    await host.calls.ask('runs/resume', { run });
    await until(
      () => pointsOf(run),
      (points) => points > before + 20,
    );
    expect((await host.calls.show(run)).state).toBe('running');
    await page.waitForTimeout(AWAY_MS);
    await tunnel.restore();
    await lost.waitFor({ state: 'detached' });
    await host.calls.untilState(run, 'completed');
    await page.getByText('completed').first().waitFor();
    await shows(run);
    // What was missed was sent once, from where it was left: no curve of many points was asked for again.
    expect(askedBefore).toContain('step/loss');
    expect(asked.filter((metric) => askedBefore.has(metric)).length).toBeLessThan(5);
    expect(await page.getByText('resumed').count()).toBe(0);
  });

  it('neither loses nor doubles the log and the curves of a run that another program trains', async () => {
    const store = openStudioDatabase(join(folder, 'studio.db'));
    const run = createRun(store, {
      config: sampleConfig(),
      environment: sampleEnvironment,
      name: 'elsewhere',
    });
    const lease = claimRun(store, run);
    let step = 0;
    // As many as a page shows of a log, in all, however long things take: so many each time that something has happened.
    let due = REPORTS_AT_ONCE;
    const report = () => {
      if (due === 0) return;
      due--;
      step++;
      appendReports(store, run, [
        {
          kind: 'metrics',
          points: [...samplePoints('step/loss', step, step), ...samplePoints('running/loss', step, step)],
        },
        { kind: 'log', level: 'info', text: `line ${step}` },
        {
          kind: 'progress',
          phase: 'training',
          step,
          totalSteps: 1000,
          epoch: step / 100,
          pairsPerSecond: 1,
          etaSeconds: 1,
        },
      ]);
    };
    appendReports(store, run, [startedReport()]);
    const timer = setInterval(report, 40);
    try {
      await goTo(`/runs/${run}`);
      await page.getByText(/line 20$/).waitFor();
      for (const awayMs of [700, AWAY_MS]) {
        due = REPORTS_AT_ONCE;
        tunnel.cut();
        await lost.waitFor();
        await page.waitForTimeout(awayMs);
        due = REPORTS_AT_ONCE;
        await tunnel.restore();
        await lost.waitFor({ state: 'detached' });
      }
      await page.waitForTimeout(1500);
    } finally {
      clearInterval(timer);
    }
    await shows(run);
    lease.release();
    store.close();
  });

  it.each(['runs/show', 'runs/table'])(
    'is made good when it comes in the middle of a question (%s)',
    async (route) => {
      await host.calls.ask('queue/pause', { paused: true });
      const run = await host.calls.add({}, 'back', { name: 'old name' });
      await goTo(`/runs/${run}`);
      await page.getByRole('heading', { name: 'old name' }).waitFor();
      const cut = tunnel.cutAt(`/rpc/${route}`);
      await host.calls.ask('runs/annotate', { ids: [run], name: 'new name' });
      await cut;
      await lost.waitFor();
      await tunnel.restore();
      await page.getByRole('heading', { name: 'new name' }).waitFor();
      await page.goto(`${tunnel.origin}/#/runs`);
      await page.getByRole('grid').getByText('new name').first().waitFor();
      await host.calls.ask('queue/remove', { run });
      await host.calls.ask('queue/pause', { paused: false });
    },
  );
});

describe('a studio that is killed while a run trains', () => {
  it('is told; from its new address the run is interrupted, whole to the last point, and goes on', async () => {
    const run = await trainInSight();
    await host.calls.untilSaved(run);
    await until(
      () => pointsOf(run),
      (points) => points > 60,
    );
    await host.end('SIGKILL');
    await lost.waitFor();
    await startStudio();
    // A key lives as long as its studio: the page says where the new one is found.
    await page.getByText('The session has ended.').waitFor();
    // Pasted over the old address, in the same tab.
    await page.evaluate(
      (hash) => location.assign(hash),
      `#k=${host.key}&to=${encodeURIComponent(`/runs/${run}`)}`,
    );
    await page.getByRole('heading', { name: /^Interrupted after step/ }).waitFor();
    await page.getByText('The session has ended.').waitFor({ state: 'detached' });
    await shows(run);
    const { plan } = await host.calls.show(run);
    expect(pointsOf(run)).toBeLessThan(plan!.totalSteps);
    await page.getByRole('button', { name: 'Resume' }).first().click();
    await host.calls.untilState(run, 'completed');
    await page.getByText('completed').first().waitFor();
    await shows(run);
    expect(pointsOf(run)).toBe(plan!.totalSteps);
  });
});
