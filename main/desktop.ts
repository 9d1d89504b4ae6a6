/** @file Runs in Electron's main process; an entry. The studio in a window of its own. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { app, dialog, protocol, utilityProcess } from 'electron';
import { errorData } from '../shared/errors.ts';
import { networkFileSystemOf } from './db/localFileSystem.ts';
import { SCHEMES } from './desktop/pageProtocol.ts';
import { Desktop } from './desktop/start.ts';
import { launchUtility } from './desktop/utilityChild.ts';
import { bundledEntries } from './entries.ts';
import { chooseDataDirectory } from './studio/dataDirectory.ts';
import { setChildLauncher } from './training/childLauncher.ts';
import { projectFolder, readVersion } from './version.ts';

/** "--data-dir FOLDER" or "--data-dir=FOLDER", among words of Electron's own. */
function dataDirectoryOf(words: readonly string[]): string {
  const at = words.indexOf('--data-dir');
  const joined = words.find((word) => word.startsWith('--data-dir='))?.slice('--data-dir='.length);
  return chooseDataDirectory(joined ?? (at === -1 ? null : (words[at + 1] ?? null)), process.env);
}

/** Everything before the first "await" happens before Electron is ready, as it must. */
async function main(): Promise<void> {
  app.enableSandbox();
  protocol.registerSchemesAsPrivileged(SCHEMES);
  const dataDirectory = dataDirectoryOf(process.argv);
  // A second start on the same directory shows the first one's window; other directories have windows of their own.
  const own = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 32);
  app.setPath('userData', join(app.getPath('appData'), 'entail-window', own));
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
  const desktop = new Desktop({
    dataDirectory,
    version: readVersion(),
    entries: bundledEntries(import.meta.dirname),
    pages: join(dirname(import.meta.dirname), 'renderer'),
    preload: join(import.meta.dirname, 'preload.cjs'),
    icons: join(projectFolder(), 'resources', 'icons'),
  });
  app.on('second-instance', () => desktop.focus());
  app.on('activate', () => desktop.focus());
  app.on('window-all-closed', () => app.quit());
  if (!desktop.open()) app.quit();
}

// Not awaited here: Electron becomes ready only when this module has been evaluated, and would wait for itself.
main().catch((thrown: unknown) => {
  dialog.showErrorBox('Entail cannot start', errorData(thrown).message);
  app.exit(1);
});
