/** @file Runs in Electron's main process; an entry. The studio in a window of its own. */
import { dirname, join } from 'node:path';
import { app, dialog, protocol, utilityProcess } from 'electron';
import { networkFileSystemOf } from './db/localFileSystem.ts';
import { SCHEMES } from './desktop/pageProtocol.ts';
import { Desktop } from './desktop/start.ts';
import { launchUtility } from './desktop/utilityChild.ts';
import { bundledEntries } from './entries.ts';
import { chooseDataDirectory } from './studio/dataDirectory.ts';
import { setChildLauncher } from './training/childLauncher.ts';

/** "--data-dir FOLDER" */
function dataDirectoryOf(words: readonly string[]): string {
  const at = words.indexOf('--data-dir');
  return chooseDataDirectory(at === -1 ? null : (words[at + 1] ?? null), process.env);
}

async function main(): Promise<void> {
  app.enableSandbox();
  protocol.registerSchemesAsPrivileged(SCHEMES);
  const dataDirectory = dataDirectoryOf(process.argv);
  // A second start on the same directory shows the first one's window; other directories have windows of their own.
  app.setPath(
    'userData',
    join(app.getPath('appData'), 'entail-window', Buffer.from(dataDirectory).toString('hex').slice(-48)),
  );
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  await app.whenReady();
  setChildLauncher(launchUtility(utilityProcess));
  const network = networkFileSystemOf(dirname(dataDirectory));
  if (network !== null) {
    dialog.showErrorBox(
      'Entail needs a local disk',
      `${dataDirectory} lies on a network file system (${network}).\n\nStart with --data-dir and a folder on a local disk.`,
    );
    app.quit();
    return;
  }
  const root = app.isPackaged ? process.resourcesPath : dirname(dirname(import.meta.dirname));
  const desktop = new Desktop({
    dataDirectory,
    version: app.getVersion(),
    entries: bundledEntries(import.meta.dirname),
    pages: join(dirname(import.meta.dirname), 'renderer'),
    preload: join(import.meta.dirname, 'preload.cjs'),
    icons: join(root, 'resources', 'icons'),
  });
  app.on('second-instance', () => desktop.focus());
  app.on('window-all-closed', () => app.quit());
  if (!desktop.open()) app.quit();
}

await main();
