/** @file Runs under Node. Handlers of shared/contract/app.ts: the studio itself, settings, files of its machine, uploads. */
import { cpus, platform, totalmem } from 'node:os';
import type { appRoutes } from '../../../shared/contract/app.ts';
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import { findRun } from '../../db/runs.ts';
import { listFolder } from '../folderListing.ts';
import type { HostContext } from '../hosting.ts';

export function appHandlers(context: HostContext): HandlersOf<typeof appRoutes> {
  const { settings, uploads } = context;
  const host = context.platform;
  const { directoryChoice } = host;
  const nextDirectory = () => ({ path: directoryChoice.next(), settledBy: directoryChoice.settledBy });
  return {
    'app/info': () => ({
      version: context.version,
      dataDirectory: context.dataDirectory,
      nextDataDirectory: nextDirectory(),
      platform: platform(),
      cores: cpus().length,
      memoryBytes: totalmem(),
      capabilities: host.capabilities,
      notices: context.notices,
      empty: context.datasets.list().length === 0 && context.runIndex.table().ids.length === 0,
    }),
    'app/settings': () => settings.current(),
    'app/changeSettings': (changes) => settings.change(changes),
    'app/chooseDataDirectory': ({ path }) => {
      directoryChoice.choose(path);
      return nextDirectory();
    },
    'app/chooseFile': async ({ purpose }) => ({ path: await host.chooseFile(purpose) }),
    'app/showRunFolder': ({ run }) => {
      host.showFolder(context.runs.folder(findRun(context.databases.store(), run).id));
      return null;
    },
    'files/list': ({ path }) => listFolder(path),
    'uploads/begin': ({ name, sizeBytes }) => ({ id: uploads.begin(name, sizeBytes) }),
    'uploads/piece': ({ id, offset, base64 }) => ({ receivedBytes: uploads.piece(id, offset, base64) }),
    'uploads/finish': ({ id }) => ({ path: uploads.finish(id) }),
    'uploads/cancel': ({ id }) => {
      uploads.cancel(id);
      return null;
    },
  };
}
