/** @file Runs in Electron's main process. What only a desktop can do: dialogs, folders, notifications, keeping awake. */
import type { dialog, Notification, powerSaveBlocker, shell } from 'electron';
import type { DirectoryChoice } from '../studio/directoryChoice.ts';
import type { HostPlatform } from '../studio/hosting.ts';

export interface DesktopParts {
  readonly dialog: Pick<typeof dialog, 'showOpenDialog'>;
  readonly shell: Pick<typeof shell, 'openPath'>;
  readonly powerSaveBlocker: Pick<typeof powerSaveBlocker, 'start' | 'stop'>;
  readonly Notification: typeof Notification;
  readonly directoryChoice: DirectoryChoice;
  /** Brings the window to a run. */
  readonly showRun: (run: string) => void;
}

const FILTERS = {
  dataset: [
    { name: 'Data sets', extensions: ['csv', 'tsv', 'jsonl', 'txt', 'zip', 'parquet'] },
    { name: 'All files', extensions: ['*'] },
  ],
  vocabulary: [{ name: 'Vocabulary', extensions: ['json', 'txt'] }],
  folder: [],
} as const;

export function desktopPlatform(parts: DesktopParts): HostPlatform {
  let blocker: number | null = null;
  return {
    capabilities: {
      openDialog: true,
      showInFolder: true,
      systemNotifications: parts.Notification.isSupported(),
    },
    chooseFile: async (purpose) => {
      const { canceled, filePaths } = await parts.dialog.showOpenDialog({
        properties: [purpose === 'folder' ? 'openDirectory' : 'openFile'],
        filters: FILTERS[purpose].map(({ name, extensions }) => ({ name, extensions: [...extensions] })),
      });
      return canceled ? null : (filePaths[0] ?? null);
    },
    directoryChoice: parts.directoryChoice,
    showFolder: (path) => void parts.shell.openPath(path),
    notify: ({ title, body, run }) => {
      if (!parts.Notification.isSupported()) return;
      const notification = new parts.Notification({ title, body });
      notification.on('click', () => parts.showRun(run));
      notification.show();
    },
    keepAwake: (awake) => {
      if (awake) blocker ??= parts.powerSaveBlocker.start('prevent-app-suspension');
      else if (blocker !== null) {
        parts.powerSaveBlocker.stop(blocker);
        blocker = null;
      }
    },
  };
}
