/** @file Runs in Electron's main process. The studio in a window, from its parts; main/desktop.ts tells the story. */
import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  Notification,
  nativeImage,
  powerSaveBlocker,
  protocol,
  session,
  shell,
  Tray,
} from 'electron';
import { errorData } from '../../shared/errors.ts';
import type { Entries } from '../entries.ts';
import { pageFiles } from '../rpc/pageFiles.ts';
import type { DirectoryChoice } from '../studio/directoryChoice.ts';
import type { HostedStudio } from '../studio/hosting.ts';
import { hostStudio } from '../studio.ts';
import { openBridge } from './bridge.ts';
import { addressOfSettings } from './openedFile.ts';
import { STUDIO_ORIGIN, servePages } from './pageProtocol.ts';
import { desktopPlatform } from './platform.ts';
import { Quitting } from './quitting.ts';
import { bringForward, confine, refusePermissions, windowOptions } from './window.ts';

export interface DesktopOptions {
  readonly dataDirectory: string;
  readonly directoryChoice: DirectoryChoice;
  readonly version: string;
  readonly entries: Entries;
  /** Folders of the built page, of the preload script, and of icons. */
  readonly pages: string;
  readonly preload: string;
  readonly icons: string;
}

/** A studio that cannot be opened is told in a dialog; another one that has the directory is pointed to. */
export function openHostedStudio(
  options: DesktopOptions,
  showRun: (run: string) => void,
): HostedStudio | null {
  try {
    const { directoryChoice } = options;
    const parts = { dialog, shell, powerSaveBlocker, Notification, directoryChoice, showRun };
    const platform = desktopPlatform(parts);
    const studio = hostStudio({ ...options, platform });
    studio.announce({ host: 'desktop', url: null });
    return studio;
  } catch (thrown) {
    const { message, nextStep } = errorData(thrown);
    dialog.showErrorBox('Entail cannot open its data', `${message}\n\n${nextStep}`);
    return null;
  }
}

export class Desktop {
  readonly #options: DesktopOptions;
  #studio: HostedStudio | null = null;
  #window: BrowserWindow | null = null;
  #tray: Tray | null = null;
  #quitting: Quitting | null = null;

  constructor(options: DesktopOptions) {
    this.#options = options;
  }

  /** False when the studio could not be opened. `file`: settings to begin with. */
  open(file: string | null): boolean {
    const studio = openHostedStudio(this.#options, (run) => this.showRun(run));
    if (studio === null) return false;
    this.#studio = studio;
    servePages(protocol, pageFiles(this.#options.pages));
    refusePermissions(session.defaultSession);
    const bridge = openBridge(ipcMain, studio);
    this.#quitting = new Quitting({
      dialog,
      isBusy: () => studio.isBusy(),
      toTray: () => this.#toTray(),
      closeStudio: async () => {
        bridge.close();
        await studio.close();
      },
      quit: () => app.quit(),
    });
    app.on('before-quit', (event) => {
      if (this.#quitting?.mayQuit() !== true) event.preventDefault();
    });
    app.on('web-contents-created', (_event, contents) =>
      confine(contents, (address) => void shell.openExternal(address)),
    );
    const address = file === null ? null : this.#addressOf(file);
    this.#openWindow(address ?? `${STUDIO_ORIGIN}/`, (contents) => bridge.admit(contents));
    return true;
  }

  /** Shows a file of settings as a new run. */
  openFile(file: string): void {
    this.focus();
    const address = this.#addressOf(file);
    if (address !== null) void this.#window?.loadURL(address);
  }

  /** A file that cannot be read is told in a dialog. */
  #addressOf(file: string): string | null {
    try {
      return addressOfSettings(file);
    } catch (thrown) {
      const { message, nextStep } = errorData(thrown);
      dialog.showErrorBox('Entail cannot open the file', `${message}\n\n${nextStep}`);
      return null;
    }
  }

  focus(): void {
    if (this.#window !== null) bringForward(this.#window);
  }

  showRun(run: string): void {
    this.focus();
    void this.#window?.loadURL(`${STUDIO_ORIGIN}/#/runs/${encodeURIComponent(run)}`);
  }

  #openWindow(address: string, admit: (contents: Electron.WebContents) => void): void {
    const icon = join(this.#options.icons, 'icon.png');
    const window = new BrowserWindow({ ...windowOptions(this.#options.preload), icon });
    this.#window = window;
    admit(window.webContents);
    window.once('ready-to-show', () => window.show());
    window.on('close', (event) => {
      if (this.#quitting?.windowMayClose() === false) {
        event.preventDefault();
        window.hide();
      }
    });
    window.on('closed', () => {
      this.#window = null;
      app.quit();
    });
    // The studio is in this process: a page that crashes takes no run with it.
    window.webContents.on('render-process-gone', () => void this.#offerReload(window));
    void window.loadURL(address);
  }

  async #offerReload(window: BrowserWindow): Promise<void> {
    const { response } = await dialog.showMessageBox({
      type: 'warning',
      message: 'The page of the studio has crashed.',
      detail: 'Runs go on. Reloading shows everything again.',
      buttons: ['Reload', 'Close'],
    });
    if (response === 0) window.reload();
    else window.close();
  }

  #toTray(): void {
    this.#window?.hide();
    if (this.#tray !== null) return;
    // macOS colours a "Template" image itself; dense screens take the "@2x" beside it.
    const file = process.platform === 'darwin' ? 'trayTemplate.png' : 'tray.png';
    this.#tray = new Tray(nativeImage.createFromPath(join(this.#options.icons, file)));
    this.#tray.setToolTip('Entail: a run is training');
    this.#tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: 'Open Entail', click: () => this.focus() },
        { label: 'Pause the run', click: () => void this.#each('runs/pause', {}) },
        { label: 'Stop and keep', click: () => void this.#each('runs/stop', { how: 'keep' }) },
        { type: 'separator' },
        { label: 'Quit', click: () => app.quit() },
      ]),
    );
    this.#tray.on('click', () => this.focus());
  }

  /** For every run that trains here, over the same contract as the page. */
  async #each(route: string, input: object): Promise<void> {
    const shown = await this.#studio?.dispatch('queue/show', {});
    if (shown?.ok !== true) return;
    const { running } = shown.value as { running: readonly { run: string; here: boolean }[] };
    for (const { run, here } of running) if (here) await this.#studio?.dispatch(route, { run, ...input });
  }
}
