/** @file Runs under Node. The headless host from its options to its end. */
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { checkoutEntries } from '../entries.ts';
import { pageFiles } from '../rpc/pageFiles.ts';
import { type DirectoryChoice, settledDirectory } from '../studio/directoryChoice.ts';
import type { HostPlatform } from '../studio/hosting.ts';
import { hostStudio } from '../studio.ts';
import { projectFolder, readVersion } from '../version.ts';
import { type LoopbackServer, startServer } from './server.ts';

export interface HostingOptions {
  readonly port: number;
  readonly dataDirectory: string;
  readonly publicOrigins: readonly string[];
  /** Left out, the directory is what it was told to be. */
  readonly directoryChoice?: DirectoryChoice;
}

export interface RunningHost {
  readonly server: LoopbackServer;
  /** With the key; whoever has it has the studio. */
  readonly url: string;
  /** In good order: runs are stopped with a checkpoint. */
  close(): Promise<void>;
}

/** What a machine without a desktop can do. */
function headlessPlatform(directoryChoice: DirectoryChoice): HostPlatform {
  const notHere = () => {
    throw new StudioError('NOT_AVAILABLE', 'This studio runs in a browser and has no windows of its own.');
  };
  return {
    capabilities: { openDialog: false, showInFolder: false, systemNotifications: false },
    chooseFile: async () => notHere(),
    showFolder: notHere,
    notify: () => {},
    directoryChoice,
    keepAwake: () => {},
  };
}

/** @throws StudioError LOCKED, ALREADY_EXISTS (the port), NOT_FOUND (the pages are not built), and what opening throws. */
export async function startHost({
  port,
  dataDirectory,
  publicOrigins,
  directoryChoice = settledDirectory(dataDirectory, 'the program that started it'),
}: HostingOptions): Promise<RunningHost> {
  const files = pageFiles(join(projectFolder(), 'dist', 'renderer'));
  const studio = hostStudio({
    ...{ dataDirectory, entries: checkoutEntries(), version: readVersion() },
    platform: headlessPlatform(directoryChoice),
  });
  try {
    const { dispatch, events } = studio;
    const server = await startServer({ port, publicOrigins, files, dispatch, events });
    studio.announce({ host: 'headless', url: server.origin });
    return {
      server,
      url: `${server.origin}/#k=${server.key}`,
      close: async () => {
        await server.close();
        await studio.close();
      },
    };
  } catch (thrown) {
    await studio.close();
    throw thrown;
  }
}

/** What a person needs to get there, from this machine or through a tunnel. */
export function addressLines(
  { server, url }: RunningHost,
  publicOrigins: readonly string[],
  host: string,
): string[] {
  return [
    `Entail is at ${url}`,
    ...publicOrigins.map((origin) => `or at ${origin}/#k=${server.key}`),
    `From another machine: ssh -L ${server.port}:127.0.0.1:${server.port} ${host}   then open the address above there.`,
    'The address holds the key: whoever has it can use this studio.',
  ];
}
