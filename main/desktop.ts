/** @file Runs in Electron's main process; an entry. The studio in a window of its own. */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { app, dialog, protocol, utilityProcess } from 'electron';
import { errorData } from '../shared/errors.ts';
import { settingsFileIn } from './desktop/openedFile.ts';
import { SCHEMES } from './desktop/pageProtocol.ts';
import { Desktop } from './desktop/start.ts';
import { launchUtility } from './desktop/utilityChild.ts';
import { runInUtility } from './desktop/utilityProgram.ts';
import { setEntryRunner } from './engines/runEntry.ts';
import { bundledEntries } from './entries.ts';
import { linksHere, localDataDirectory } from './start/localDirectory.ts';
import { chooseDataDirectory } from './studio/dataDirectory.ts';
import { directoryChoice, rememberedDirectory } from './studio/directoryChoice.ts';
import { setChildLauncher } from './training/childLauncher.ts';
import { projectFolder, readVersion } from './version.ts';

/** "--data-dir FOLDER" or "--data-dir=FOLDER", among words of Electron's own; null when there is neither. */
function givenDirectory(words: readonly string[]): string | null {
  const at = words.indexOf('--data-dir');
  const joined = words.find((word) => word.startsWith('--data-dir='))?.slice('--data-dir='.length);
  return joined ?? (at === -1 ? null : (words[at + 1] ?? null));
}

async function askInDialog(question: string): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: question.replace(/ \[y\/N\] $/, ''),
    buttons: ['Use it', 'Quit'],
    cancelId: 1,
  });
  return response === 0;
}

/** Everything before the first "await" happens before Electron is ready, as it must. */
async function main(): Promise<void> {
  app.enableSandbox();
  // Windows shows notifications only of a program that says which one it is: "appId" in electron-builder.yml.
  if (process.platform === 'win32') app.setAppUserModelId('org.entail.studio');
  protocol.registerSchemesAsPrivileged(SCHEMES);
  const given = givenDirectory(process.argv);
  const usual = chooseDataDirectory(given, process.env);
  const dataDirectory = rememberedDirectory(usual);
  // A second start on the same directory shows the first one's window; other directories have windows of their own.
  const own = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 32);
  app.setPath('userData', join(app.getPath('appData'), 'entail-window', own));
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  // macOS names a file by an event, which may come before anything is ready; the others by a word.
  let asked = settingsFileIn(process.argv);
  const early = (event: { preventDefault(): void }, path: string) => {
    event.preventDefault();
    asked = path;
  };
  app.on('open-file', early);
  await app.whenReady();
  setChildLauncher(launchUtility(utilityProcess));
  setEntryRunner(runInUtility(utilityProcess));
  const directory = await localDataDirectory(given, process.env, linksHere(askInDialog));
  if (directory !== dataDirectory) {
    // Another directory is another program, with a window of its own.
    app.relaunch();
    app.quit();
    return;
  }
  const desktop = new Desktop({
    dataDirectory,
    directoryChoice: directoryChoice(usual, given, process.env),
    version: readVersion(),
    entries: bundledEntries(import.meta.dirname),
    pages: join(dirname(import.meta.dirname), 'renderer'),
    preload: join(import.meta.dirname, 'preload.cjs'),
    icons: join(projectFolder(), 'resources', 'icons'),
  });
  app.on('second-instance', (_event, words, folder) => {
    const file = settingsFileIn(words);
    if (file === null) desktop.focus();
    else desktop.openFile(resolve(folder, file));
  });
  app.on('activate', () => desktop.focus());
  app.on('window-all-closed', () => app.quit());
  if (!desktop.open(asked)) app.quit();
  app.off('open-file', early);
  app.on('open-file', (event, path) => {
    event.preventDefault();
    desktop.openFile(path);
  });
}

// Not awaited here: Electron becomes ready only when this module has been evaluated, and would wait for itself.
main().catch((thrown: unknown) => {
  const { message, nextStep } = errorData(thrown);
  dialog.showErrorBox('Entail cannot start', `${message}\n\n${nextStep}`);
  app.exit(1);
});
