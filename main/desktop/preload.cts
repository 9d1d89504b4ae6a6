/**
 * @file Runs in the sandboxed page of Electron, before anything else; CommonJS, because a sandboxed preload must be.
 * Two functions cross into the page; the event object of Electron never does.
 */
const { contextBridge, ipcRenderer } = require('electron') as typeof import('electron');

let listeners = 0;

contextBridge.exposeInMainWorld('studio', {
  request: (route: unknown, input: unknown): Promise<unknown> =>
    ipcRenderer.invoke('studio:request', route, input),
  subscribe: (cursor: unknown, listener: (batch: unknown) => void): (() => void) => {
    const hear = (_event: unknown, batch: unknown) => listener(batch);
    let leaves = false;
    ipcRenderer.on('studio:events', hear);
    listeners++;
    ipcRenderer.invoke('studio:subscribe', cursor).catch(() => {});
    return () => {
      if (leaves) return;
      leaves = true;
      ipcRenderer.removeListener('studio:events', hear);
      listeners--;
      // The studio sends to a page, not to a listener: the last one to leave tells it.
      if (listeners === 0) void ipcRenderer.invoke('studio:leave');
    };
  },
});
