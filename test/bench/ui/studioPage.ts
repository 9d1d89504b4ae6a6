/** @file Benchmarks. A studio over a generated store, in a real Chromium: the production build, measured from within the page. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import type { Input, Output, RouteName } from '../../../shared/contract/contract.ts';
import { launchChromiumWithProfile } from '../../support/builtPage.ts';
import { rpcCall } from '../../support/rpcCall.ts';
import type { HostAddress, HostNews, HostOrder } from './benchHost.ts';
import { installProbe } from './probe.ts';

const HOST = new URL('./benchHost.ts', import.meta.url).pathname;

export class StudioPage {
  readonly page: Page;
  readonly #child: ChildProcess;
  readonly #address: HostAddress;
  readonly #browser: BrowserContext;

  private constructor(child: ChildProcess, address: HostAddress, browser: BrowserContext, page: Page) {
    this.#child = child;
    this.#address = address;
    this.#browser = browser;
    this.page = page;
  }

  static async open(dataDirectory: string, heightPx = 900): Promise<StudioPage> {
    const child = fork(HOST, [dataDirectory]);
    const [address] = (await once(child, 'message')) as [HostAddress];
    const browser = await launchChromiumWithProfile(join(dataDirectory, 'profile'), heightPx);
    const page = browser.pages()[0] ?? (await browser.newPage());
    await page.addInitScript(installProbe);
    const studio = new StudioPage(child, address, browser, page);
    await page.goto(`${address.origin}/#k=${address.key}&to=/settings`);
    await page.locator('h1').waitFor();
    return studio;
  }

  /** Goes to an address within the page. */
  async goTo(hash: string): Promise<void> {
    await this.page.goto(`${this.#address.origin}/${hash}`);
  }

  /** Loads the whole page anew. */
  async reload(): Promise<void> {
    await this.page.reload({ waitUntil: 'commit' });
  }

  call<Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>> {
    return rpcCall(this.#address, route, input);
  }

  /** Starts a live run and returns its id. */
  async goLive(order: Extract<HostOrder, { kind: 'live' }>): Promise<string> {
    this.#child.send(order);
    const [news] = (await once(this.#child, 'message')) as [HostNews];
    if (!('liveRun' in news)) throw new Error('The host said something else.');
    return news.liveRun;
  }

  /** CPU seconds that the host has taken so far. */
  async hostCpuSeconds(): Promise<number> {
    const fields = (await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}
