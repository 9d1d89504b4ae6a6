/** @file Tests. Electron at the rim: how the window is locked, who may call, what app:// serves, what quitting costs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { CHANNELS, openBridge } from '../../../main/desktop/bridge.ts';
import { answerPage, SCHEMES } from '../../../main/desktop/pageProtocol.ts';
import { Quitting } from '../../../main/desktop/quitting.ts';
import { isOwnPage, mayOpenOutside, refusePermissions, windowOptions } from '../../../main/desktop/window.ts';
import { createEventHub } from '../../../main/rpc/eventHub.ts';
import { CONTENT_SECURITY_POLICY } from '../../../main/rpc/pageHeaders.ts';
import { FakeIpc, FakePage } from '../../support/fakeElectron.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

describe('the window', () => {
  it('states every setting of safety, and nothing else (B1)', () => {
    expect(windowOptions('/preload.cjs').webPreferences).toEqual({
      preload: '/preload.cjs',
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      contextIsolation: true,
      sandbox: true,
      webviewTag: false,
      spellcheck: false,
    });
    expect(SCHEMES).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ]);
  });

  it.each([
    'https://evil.com/',
    'http://127.0.0.1:80/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,x',
    'app://studio.evil/',
    'app://evil/studio',
    'app://studio@evil/',
    'about:blank',
    'blob:app://studio/1',
    'chrome://gpu',
    '',
  ])('does not go to %s', (address) => {
    expect(isOwnPage(address)).toBe(false);
  });

  it('goes where its own pages are, and opens a few hosts outside', () => {
    expect(isOwnPage('app://studio/#/runs/r1')).toBe(true);
    expect(mayOpenOutside('https://d2l.ai/chapter')).toBe(true);
    const refused = [
      'file:///x',
      'javascript:1',
      'data:,x',
      'smb://d2l.ai/x',
      'ms-msdt:x',
      'vscode://d2l.ai',
      'http://d2l.ai/',
      'https://d2l.ai.evil.com/',
      'https://d2l.ai:8443/',
      'https://me@d2l.ai/',
    ];
    expect(refused.filter(mayOpenOutside)).toEqual([]);
  });

  it('gives no permission but to copy text that was asked for', () => {
    const given: Record<string, boolean> = {};
    type Ask = (contents: unknown, permission: string, answer: (yes: boolean) => void) => void;
    let ask: Ask = () => {};
    refusePermissions({
      setPermissionRequestHandler: (handler) => {
        ask = handler as unknown as Ask;
      },
      setPermissionCheckHandler: () => {},
    });
    const names = [
      'media',
      'geolocation',
      'notifications',
      'midi',
      'pointerLock',
      'fullscreen',
      'openExternal',
      'hid',
      'serial',
      'usb',
      'clipboard-read',
      'clipboard-sanitized-write',
    ];
    for (const name of names)
      ask(null, name, (yes) => {
        given[name] = yes;
      });
    expect(Object.keys(given).filter((name) => given[name])).toEqual(['clipboard-sanitized-write']);
  });
});

describe('app://studio', () => {
  const files = new Map([['/', { contentType: 'text/html', immutable: false, body: Buffer.from('page') }]]);
  const ask = (url: string, method = 'GET') => answerPage({ method, url }, files);

  it('serves the page under the policy', async () => {
    const answer = ask('app://studio/');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Security-Policy')).toBe(CONTENT_SECURITY_POLICY);
    expect(await answer.text()).toBe('page');
  });

  it.each([
    'app://studio/..%2f..%2fetc/passwd',
    'app://studio/%2e%2e/',
    'app://studio/..\\\\',
    'app://studio//etc',
    'app://studio/%00',
    'app://studio/a%00.js',
    'app://other/',
    'app://studio-evil/',
    'app://STUDIO@x/',
    'app://studio/index.html/..;/x',
  ])('has nothing at %s', (url) => {
    expect(ask(url).status).toBe(404);
  });

  it('is only read', () => {
    expect(['POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => ask('app://studio/', method).status)).toEqual(
      [405, 405, 405, 405],
    );
  });
});

describe('the bridge', () => {
  const own = { url: 'app://studio/#/runs', parent: null };
  function open() {
    const ipc = new FakeIpc();
    const page = new FakePage(1);
    const events = createEventHub({ start: 's', batchMs: 1 });
    const dispatch = async () => ({ ok: true, value: 'asked' }) as const;
    const bridge = openBridge(ipc, { dispatch, events });
    bridge.admit(page.contents);
    return { ipc, page, events, bridge };
  }

  it.each<[string, { url: string; parent: object | null } | null]>([
    ['S1 no frame', null],
    ['S2 a frame inside ours', { ...own, parent: {} }],
    ['S3 about:blank', { url: 'about:blank', parent: null }],
    ['S4 a file', { url: 'file:///x', parent: null }],
    ['S5 a host like ours', { url: 'app://studio.evil/', parent: null }],
    ['S6 our name as a path', { url: 'app://evil/studio', parent: null }],
    ['S7 loopback', { url: 'http://127.0.0.1:1/', parent: null }],
    ['S8 developer tools', { url: 'devtools://devtools/x', parent: null }],
  ])('refuses %s', async (_, frame) => {
    const { ipc, page } = open();
    expect(await ipc.invoke({ page, frame }, CHANNELS.request, 'app/info', {})).toMatchObject({
      ok: false,
      error: { code: 'FORBIDDEN' },
    });
  });

  it('refuses a page that is gone, or was never admitted (S9), and answers ours (S10)', async () => {
    const { ipc, page } = open();
    expect(await ipc.invoke({ page, frame: own }, CHANNELS.request, 'x', {})).toEqual({
      ok: true,
      value: 'asked',
    });
    expect(await ipc.invoke({ page: new FakePage(2), frame: own }, CHANNELS.request, 'x', {})).toMatchObject({
      ok: false,
    });
    page.destroy();
    expect(await ipc.invoke({ page, frame: own }, CHANNELS.request, 'x', {})).toMatchObject({ ok: false });
  });

  it('sends events from the cursor on, and none to a page that has left', async () => {
    const { ipc, page, events } = open();
    events.publish([{ kind: 'datasets' }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await ipc.invoke({ page, frame: own }, CHANNELS.subscribe, 's.0');
    expect(page.heard).toEqual([
      { channel: CHANNELS.events, value: { cursor: 's.1', events: [{ kind: 'datasets' }] } },
    ]);
    await ipc.invoke({ page, frame: own }, CHANNELS.leave);
    events.publish([{ kind: 'engines' }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(page.heard).toHaveLength(1);
  });
});

describe('the preload script', () => {
  it('exposes two functions, and never the event of Electron', async () => {
    const source = readFileSync(join(ROOT, 'main/desktop/preload.cts'), 'utf8');
    const plain = source
      .replace(/ as typeof import\('electron'\)/, '')
      .replace(/\(([\w, :()=>]*)\): (Promise<unknown>|\(\(\) => void\)) =>/g, (whole, words: string) =>
        whole.replace(words, words).replace(/: (Promise<unknown>|\(\(\) => void\)) =>/, ' =>'),
      );
    const { transpileModule, ModuleKind } = await import('typescript');
    const { outputText } = transpileModule(plain, { compilerOptions: { module: ModuleKind.CommonJS } });
    const exposed: Record<string, Record<string, (...words: unknown[]) => unknown>> = {};
    const heard: unknown[][] = [];
    let hear: (event: unknown, batch: unknown) => void = () => {};
    const electron = {
      contextBridge: {
        exposeInMainWorld: (name: string, value: never) => Object.assign(exposed, { [name]: value }),
      },
      ipcRenderer: {
        invoke: async (...words: unknown[]) => words,
        on: (_channel: string, listener: typeof hear) => {
          hear = listener;
        },
        removeListener: () => {},
      },
    };
    vm.runInNewContext(outputText, { require: () => electron, exports: {} });
    expect(Object.keys(exposed)).toEqual(['studio']);
    expect(Object.keys(exposed['studio']!)).toEqual(['request', 'subscribe']);
    exposed['studio']!['subscribe']!(null, (...words: unknown[]) => heard.push(words));
    hear({ sender: 'secret' }, 'batch');
    expect(heard).toEqual([['batch']]);
  });
});

describe('quitting', () => {
  function quitting(busy: boolean, response: number) {
    const told: string[] = [];
    const parts = new Quitting({
      dialog: { showMessageBox: (async () => ({ response, checkboxChecked: false })) as never },
      isBusy: () => busy,
      toTray: () => told.push('tray'),
      closeStudio: async () => void told.push('closed'),
      quit: () => told.push('quit'),
    });
    return { parts, told };
  }
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

  it('closes the window for good when nothing trains, and into the tray when something does', () => {
    expect(quitting(false, 0).parts.windowMayClose()).toBe(true);
    const { parts, told } = quitting(true, 0);
    expect(parts.windowMayClose()).toBe(false);
    expect(told).toEqual(['tray']);
  });

  it.each([
    ['stops runs in good order first', true, 0, ['closed', 'quit'], true],
    ['goes on in the tray', true, 1, ['tray'], false],
    ['can be taken back', true, 2, [], false],
    ['asks nothing when nothing trains', false, 9, ['closed', 'quit'], true],
  ] as const)('%s', async (_, busy, response, expected, mayQuit) => {
    const { parts, told } = quitting(busy, response);
    expect(parts.mayQuit()).toBe(false);
    await settle();
    expect(told).toEqual(expected);
    if (mayQuit) expect(parts.mayQuit()).toBe(true);
  });
});

describe('electron-builder.yml', () => {
  const text = readFileSync(join(ROOT, 'electron-builder.yml'), 'utf8');

  it.each([
    'runAsNode: false',
    'enableCookieEncryption: true',
    'enableNodeOptionsEnvironmentVariable: false',
    'enableNodeCliInspectArguments: false',
    'enableEmbeddedAsarIntegrityValidation: true',
    'onlyLoadAppFromAsar: true',
    'loadBrowserProcessSpecificV8Snapshot: false',
    'grantFileProtocolExtraPrivileges: false',
    'npmRebuild: false',
  ])('says %s', (line) => {
    expect(text).toContain(line);
  });
});
