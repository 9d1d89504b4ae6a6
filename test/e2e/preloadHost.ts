/**
 * @file Tests. A page of a real Chromium as Electron would show it: the built preload script in an isolated world, with
 * Electron's part of it played; app://studio, served by the very code of the desktop under an address that Chromium
 * knows; and the desktop's bridge over a studio, which sees the frames that Chromium has.
 */
import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from 'playwright-core';
import { openBridge } from '../../main/desktop/bridge.ts';
import { answerPage } from '../../main/desktop/pageProtocol.ts';
import type { PageFile } from '../../main/rpc/pageFiles.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import { FakeIpc, FakePage } from '../support/fakeElectron.ts';
import { ipcEnd, type Sent, worldEnd } from './preloadWorlds.ts';

/** Stands for app://studio/; other hosts stand for themselves. */
export const ADDRESS = 'https://studio.test/';
const WORLD = 'preload';

const asApp = (url: string) => url.replace(/^https:\/\/studio\.test(?=\/|$)/, 'app://studio');

interface WorldContext {
  readonly id: number;
  readonly name: string;
  readonly auxData: { readonly frameId: string };
}

interface FrameTree {
  readonly frame: { readonly id: string; readonly url: string };
  readonly childFrames?: readonly FrameTree[];
}

/** What runs in the preload's world: Electron's modules, then the script as it was built. */
function preloadText(script: string): string {
  return `(() => {
    const worldEnd = ${worldEnd.toString()};
    const ipc = (${ipcEnd.toString()})(electronSends);
    globalThis.electronAnswers = ipc.answer;
    globalThis.electronTells = ipc.hear;
    const bridge = worldEnd('preload', 'page');
    const electron = {
      ipcRenderer: ipc.ipcRenderer,
      contextBridge: { exposeInMainWorld: (name, api) => bridge.expose(name, api) },
    };
    const require = (name) => {
      if (name !== 'electron') throw new Error('A sandboxed preload script cannot have ' + name);
      return electron;
    };
    ((require, module, exports) => { ${script} })(require, { exports: {} }, {});
  })()`;
}

export class PageUnderElectron {
  readonly page: Page;
  readonly #devtools: CDPSession;
  readonly #ipc = new FakeIpc();
  readonly #contents = new FakePage(1);
  readonly #worlds = new Map<number, string>();

  private constructor(page: Page, devtools: CDPSession) {
    this.page = page;
    this.#devtools = devtools;
  }

  /** @param preload path of the built script */
  static async open(
    page: Page,
    options: {
      readonly studio: HostedStudio;
      readonly preload: string;
      readonly files: ReadonlyMap<string, PageFile>;
    },
  ): Promise<PageUnderElectron> {
    const opened = new PageUnderElectron(page, await page.context().newCDPSession(page));
    await opened.#serve(options.files);
    await opened.#inject(readFileSync(options.preload, 'utf8'));
    openBridge(opened.#ipc, options.studio).admit(opened.#contents.contents);
    return opened;
  }

  async #serve(files: ReadonlyMap<string, PageFile>): Promise<void> {
    await this.page.route(`${ADDRESS}**`, async (route) => {
      const request = { method: route.request().method(), url: asApp(route.request().url()) };
      const answer = answerPage(request, files);
      const body = Buffer.from(await answer.arrayBuffer());
      await route.fulfill({ status: answer.status, headers: Object.fromEntries(answer.headers), body });
    });
  }

  async #inject(script: string): Promise<void> {
    this.#devtools.on('Runtime.executionContextCreated', ({ context }) => {
      const { id, name, auxData } = context as unknown as WorldContext;
      if (name === WORLD) this.#worlds.set(id, auxData.frameId);
    });
    this.#devtools.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      this.#worlds.delete(executionContextId);
    });
    this.#devtools.on('Runtime.bindingCalled', ({ payload, executionContextId }) => {
      void this.#answer(executionContextId, JSON.parse(payload) as Sent);
    });
    this.#contents.on('heard', () => {
      const { channel, value } = this.#contents.heard.at(-1)!;
      for (const id of this.#worlds.keys()) this.#run(id, 'electronTells', [channel, value]);
    });
    await this.#devtools.send('Runtime.enable');
    await this.#devtools.send('Page.enable');
    await this.#devtools.send('Runtime.addBinding', { name: 'electronSends', executionContextName: WORLD });
    await this.page.addInitScript(`(${worldEnd.toString()})('page', 'preload')`);
    await this.#devtools.send('Page.addScriptToEvaluateOnNewDocument', {
      source: preloadText(script),
      worldName: WORLD,
    });
  }

  async #answer(world: number, { id, channel, parameters }: Sent): Promise<void> {
    try {
      const from = { page: this.#contents, frame: await this.#frameOf(world) };
      this.#run(world, 'electronAnswers', [id, await this.#ipc.invoke(from, channel, ...parameters), null]);
    } catch (thrown) {
      this.#run(world, 'electronAnswers', [id, null, (thrown as Error).message]);
    }
  }

  /** As Electron would describe the frame that asks. */
  async #frameOf(world: number): Promise<{ url: string; parent: object | null } | null> {
    const { frameTree } = (await this.#devtools.send('Page.getFrameTree')) as { frameTree: FrameTree };
    const find = (tree: FrameTree, parent: object | null): { url: string; parent: object | null } | null => {
      const own = { url: asApp(tree.frame.url), parent };
      if (tree.frame.id === this.#worlds.get(world)) return own;
      for (const child of tree.childFrames ?? []) {
        const found = find(child, own);
        if (found !== null) return found;
      }
      return null;
    };
    return find(frameTree, null);
  }

  /** A page that is gone hears nothing. */
  #run(world: number, name: string, values: readonly unknown[]): void {
    const words = values.map((value) => JSON.stringify(value ?? null)).join(', ');
    this.#devtools
      .send('Runtime.evaluate', { expression: `${name}(${words})`, contextId: world })
      .catch(() => {});
  }
}
