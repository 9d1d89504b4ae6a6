/** @file Runs in Electron's main process. The window: how it is locked down, and where it may go. */
import type { BrowserWindow, BrowserWindowConstructorOptions, Session, WebContents } from 'electron';
import { STUDIO_ORIGIN } from './pageProtocol.ts';

/** safety.md B1, items 2 to 12: stated, not left to defaults; nothing else is set. */
export function windowOptions(preload: string): BrowserWindowConstructorOptions {
  return {
    width: 1360,
    height: 860,
    minWidth: 900,
    minHeight: 600,
    show: false,
    title: 'Entail',
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      contextIsolation: true,
      sandbox: true,
      webviewTag: false,
      spellcheck: false,
    },
  };
}

/** Only the studio's own pages; a link to elsewhere opens in the browser if it is one that we wrote. */
export function confine(contents: WebContents, openOutside: (address: string) => void): void {
  const refuseForeign = (event: { preventDefault(): void }, address: string) => {
    if (!isOwnPage(address)) event.preventDefault();
  };
  contents.on('will-navigate', (event, address) => refuseForeign(event, address));
  contents.on('will-redirect', (event, address) => refuseForeign(event, address));
  contents.on('will-frame-navigate', (event) => refuseForeign(event, event.url));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (mayOpenOutside(url)) openOutside(url);
    return { action: 'deny' };
  });
}

/** The page needs no camera, no location, no notification of the browser's own: everything is refused, asked or not. */
export function refusePermissions(
  session: Pick<Session, 'setPermissionRequestHandler' | 'setPermissionCheckHandler'>,
): void {
  session.setPermissionRequestHandler((_contents, permission, answer) =>
    answer(permission === 'clipboard-sanitized-write'),
  );
  session.setPermissionCheckHandler((_contents, permission) => permission === 'clipboard-sanitized-write');
}

export function isOwnPage(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, host, username, password } = new URL(address);
  return `${protocol}//${host}` === STUDIO_ORIGIN && username === '' && password === '';
}

/** Hosts that our own pages link to. */
const OUTSIDE: ReadonlySet<string> = new Set(['d2l.ai', 'nlp.stanford.edu', 'github.com', 'semver.org']);

export function mayOpenOutside(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, port, username } = new URL(address);
  return protocol === 'https:' && OUTSIDE.has(hostname) && port === '' && username === '';
}

/** Shows a window that is there, however it is hidden. */
export function bringForward(
  window: Pick<BrowserWindow, 'isMinimized' | 'restore' | 'show' | 'focus'>,
): void {
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}
