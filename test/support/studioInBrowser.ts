/** @file Tests. The whole studio as a person gets it: the real headless host on a data directory of its own, in a real Chromium. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { type RunningHost, startHost } from '../../main/headless/run.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import { launchChromium } from './builtPage.ts';
import { rpcCall } from './rpcCall.ts';
import { temporaryFolder } from './temporaryFolder.ts';

export interface AxeViolation {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly where: readonly string[];
}

export class StudioInBrowser {
  readonly host: RunningHost;
  readonly page: Page;
  /** What the page wrote to its console as an error, violations of its policy included. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  constructor(host: RunningHost, browser: Browser, page: Page) {
    this.host = host;
    this.#browser = browser;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error.stack ?? error)));
  }

  static async open(dataDirectory = temporaryFolder()): Promise<StudioInBrowser> {
    await buildPagesIfNeeded(() => {});
    const host = await startHost({ port: 0, dataDirectory, publicOrigins: [] });
    const browser = await launchChromium();
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    return new StudioInBrowser(host, browser, page);
  }

  /** Opens an address such as "#/compare"; the first time with the key. */
  async goTo(hash: string): Promise<void> {
    const { server } = this.host;
    if (this.page.url().startsWith(server.origin)) await this.page.goto(`${server.origin}/${hash}`);
    else
      await this.page.goto(
        `${server.origin}/#k=${server.key}&to=${encodeURIComponent(hash.replace(/^#/, ''))}`,
      );
  }

  /** A call of the contract, as a script with the key would make it. @throws when the studio says no. */
  call<Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>> {
    return rpcCall(this.host.server, route, input);
  }

  /** Asks until a condition holds; the test's own limit ends it otherwise. */
  async until<Value>(ask: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
    while (true) {
      const value = await ask();
      if (holds(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** What axe-core finds serious or critical on the page as it stands. */
  async seriousViolations(): Promise<AxeViolation[]> {
    await this.#settled();
    const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await this.page.evaluate(source);
    return (await this.page.evaluate(`axe.run().then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, impact, help, nodes }) => ({ id, impact, help, where: nodes.slice(0, 5).map(({ html }) => html.slice(0, 160)) })))`)) as AxeViolation[];
  }

  async setTheme(theme: 'light' | 'dark'): Promise<void> {
    await this.call('app/changeSettings', { theme });
    await this.page.locator(`html[data-theme="${theme}"]`).waitFor({ state: 'attached' });
    await this.#settled();
  }

  /** Half way from one colour to another nothing is as anybody would see it. */
  async #settled(): Promise<void> {
    const changing = `document.getAnimations().filter((animation) =>
      animation instanceof CSSTransition && animation.transitionProperty.endsWith('color')).length`;
    await this.until(
      () => this.page.evaluate(changing),
      (count) => count === 0,
    );
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.host.close();
  }
}
