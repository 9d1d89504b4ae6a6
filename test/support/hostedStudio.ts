/** @file Tests. A studio behind the contract on a data directory of its own, reached as a transport reaches it. */
import { afterAll } from 'vitest';
import { checkoutEntries } from '../../main/entries.ts';
import { type LoopbackServer, startServer } from '../../main/headless/server.ts';
import type { PageFile } from '../../main/rpc/pageFiles.ts';
import { settledDirectory } from '../../main/studio/directoryChoice.ts';
import type { HostedStudio, HostPlatform } from '../../main/studio/hosting.ts';
import { hostStudio } from '../../main/studio.ts';
import type { Result } from '../../shared/contract/route.ts';
import { StudioError } from '../../shared/errors.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const open: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of open.splice(0)) await close();
});

export const plainPlatform: HostPlatform = {
  capabilities: { openDialog: false, showInFolder: false, systemNotifications: false },
  chooseFile: async () => {
    throw new StudioError('NOT_AVAILABLE', 'There are no dialogs here.');
  },
  showFolder: () => {
    throw new StudioError('NOT_AVAILABLE', 'There are no folders here.');
  },
  notify: () => {},
  directoryChoice: settledDirectory('/nowhere', 'a test'),
  keepAwake: () => {},
};

/** Closed after the file's tests at the latest. */
export function openHosted(dataDirectory = temporaryFolder()): HostedStudio {
  const studio = hostStudio({
    dataDirectory,
    entries: checkoutEntries(),
    version: '0.0.0',
    platform: plainPlatform,
  });
  studio.announce({ host: 'headless', url: null });
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= studio.close();
    return closing;
  };
  open.push(close);
  return { ...studio, close };
}

const page: PageFile = {
  contentType: 'text/html; charset=utf-8',
  immutable: false,
  body: Buffer.from('<p>page</p>'),
};

/** A loopback server over a studio, with a page that says little. */
export async function serve(
  studio: Pick<HostedStudio, 'dispatch' | 'events'>,
  options: Partial<Parameters<typeof startServer>[0]> = {},
): Promise<LoopbackServer> {
  const server = await startServer({
    ...{ port: 0, publicOrigins: [], files: new Map([['/', page]]) },
    ...{ dispatch: studio.dispatch, events: studio.events },
    ...options,
  });
  open.unshift(() => server.close());
  return server;
}

/** A call as a script with the key makes it. */
export async function callOverHttp(
  server: LoopbackServer,
  route: string,
  input: unknown,
): Promise<Result<unknown>> {
  const answer = await fetch(`${server.origin}/rpc/${encodeURIComponent(route)}`.replaceAll('%2F', '/'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${server.key}` },
    body: JSON.stringify(input ?? null),
  });
  if (answer.ok) return (await answer.json()) as Result<unknown>;
  return { ok: false, error: { code: 'INTERNAL', message: `${answer.status}`, nextStep: '' } };
}
