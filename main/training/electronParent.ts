/** @file Runs in supervised children. The port to Electron's main process, in a utility process; null under Node. */

export interface ElectronParent {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
}

export function electronParent(): ElectronParent | null {
  const { parentPort } = process as NodeJS.Process & { readonly parentPort?: ElectronParent };
  return parentPort ?? null;
}
