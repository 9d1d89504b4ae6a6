/**
 * @file Tests. What stands for the package "electron" when the packaged program runs under plain Node: windows that only
 * keep what they were told, calls that are cloned, and utility processes that are real processes with a parent port.
 * Ready only once the program's entry has been evaluated, as Electron is.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { FakeIpc, FakePage } from '../support/fakeElectron.ts';

/** What was asked of Electron, in order. */
export const told: string[] = [];
const tell = (what: string) => void told.push(what);

class App extends EventEmitter {
  readonly isPackaged = true;
  readonly #paths = new Map([['appData', '/nowhere']]);
  #ready = false;

  enableSandbox(): void {
    tell(`sandbox ${this.#ready ? 'after' : 'before'} ready`);
  }
  requestSingleInstanceLock(): boolean {
    return true;
  }
  getPath(name: string): string {
    return this.#paths.get(name) ?? '';
  }
  setPath(name: string, path: string): void {
    tell(`path of ${name} ${this.#ready ? 'after' : 'before'} ready`);
    this.#paths.set(name, path);
  }
  async whenReady(): Promise<void> {
    if (!this.#ready) await new Promise((resolve) => this.once('ready', resolve));
  }
  becomeReady(): void {
    this.#ready = true;
    this.emit('ready');
  }
  quit(): void {
    let stays = false;
    this.emit('before-quit', {
      preventDefault: () => {
        stays = true;
      },
    });
    if (!stays) process.exit(0);
  }
  exit(code: number): void {
    process.exit(code);
  }
}

export const app = new App();

type PageHandler = (request: Request) => Response | Promise<Response>;
export const pages = new Map<string, PageHandler>();
export const protocol = {
  registerSchemesAsPrivileged: (schemes: readonly { scheme: string }[]) =>
    tell(`schemes ${schemes.map(({ scheme }) => scheme).join()}`),
  handle: (scheme: string, handler: PageHandler) => void pages.set(scheme, handler),
};

class Contents extends FakePage {
  setWindowOpenHandler(): void {
    tell('windows are handled');
  }
  override send(channel: string, value: unknown): void {
    process.send?.({ kind: 'event', channel, value: structuredClone(value) });
  }
}

export const windows: BrowserWindow[] = [];
export class BrowserWindow extends EventEmitter {
  readonly options: object;
  readonly webContents = new Contents(windows.length + 1);
  url = '';

  constructor(options: object) {
    super();
    this.options = options;
    windows.push(this);
    app.emit('web-contents-created', {}, this.webContents);
  }
  async loadURL(url: string): Promise<void> {
    this.url = url;
    process.send?.({ kind: 'loaded', url });
  }
  show(): void {}
  hide(): void {}
  focus(): void {}
  isMinimized(): boolean {
    return false;
  }
}

export const ipcMain = new FakeIpc();

/** A process of its own, in which `process.parentPort` is what Electron would give it. */
class Utility extends EventEmitter {
  readonly #child: ChildProcess;

  constructor(path: string, words: readonly string[], env: NodeJS.ProcessEnv) {
    super();
    this.#child = fork(join(import.meta.dirname, 'utilityUnderNode.ts'), [path, ...words], {
      ...{ env, execArgv: [], serialization: 'advanced' as const },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (message) => this.emit('message', message));
    this.#child.on('close', (code) => this.emit('exit', code ?? 1));
  }
  get pid(): number | undefined {
    return this.#child.pid;
  }
  get stderr(): NodeJS.ReadableStream | null {
    return this.#child.stderr;
  }
  postMessage(message: object): void {
    if (this.#child.connected) this.#child.send(message);
  }
  kill(): boolean {
    return this.#child.kill();
  }
}

export const utilityProcess = {
  fork: (path: string, words: readonly string[], { env }: { env: NodeJS.ProcessEnv }) => {
    tell(`utility ${path.slice(path.lastIndexOf('desktop'))}`);
    return new Utility(path, words, env);
  },
};

export const dialog = {
  showErrorBox: (title: string, text: string) => process.send?.({ kind: 'error', title, text }),
  showMessageBox: async () => ({ response: 0, checkboxChecked: false }),
  showOpenDialog: async () => ({ canceled: true, filePaths: [] }),
};
export const session = {
  defaultSession: {
    setPermissionRequestHandler: () => tell('permissions are handled'),
    setPermissionCheckHandler: () => {},
  },
};
export const powerSaveBlocker = {
  start: (): number => {
    tell('stays awake');
    return 1;
  },
  stop: (): void => tell('may sleep'),
};
export const shell = { openPath: async () => '', openExternal: async () => {} };
export const Menu = { buildFromTemplate: () => ({}) };
export const nativeImage = { createFromPath: (path: string) => ({ path }) };
export class Tray extends EventEmitter {
  setToolTip(): void {}
  setContextMenu(): void {}
}
export class Notification extends EventEmitter {
  static isSupported(): boolean {
    return true;
  }
  show(): void {
    tell('notified');
  }
}
