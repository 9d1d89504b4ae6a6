/**
 * @file Runs in the sandboxed page of Electron, before anything else; CommonJS, because a sandboxed preload must be.
 * Two functions cross into the page; the event object of Electron never does.
 */
const { contextBridge, ipcRenderer } = require('electron') as typeof import('electron');

contextBridge.exposeInMainWorld('studio', {
  request: (route: unknown, input: unknown): Promise<unknown> =>
    ipcRenderer.invoke('studio:request', route, input),
  subscribe: (cursor: unknown, listener: (batch: unknown) => void): (() => void) => {
    const hear = (_event: unknown, batch: unknown) => listener(batch);
    ipcRenderer.on('studio:events', hear);
    void ipcRenderer.invoke('studio:subscribe', cursor);
    return () => {
      ipcRenderer.removeListener('studio:events', hear);
      void ipcRenderer.invoke('studio:leave');
    };
  },
});
