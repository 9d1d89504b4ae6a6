/** @file Runs in Electron's main process. app://studio: the built page and nothing else; file: is closed. */
import type { CustomScheme, Protocol } from 'electron';
import type { PageFile } from '../rpc/pageFiles.ts';
import { PAGE_HEADERS } from '../rpc/pageHeaders.ts';

const SCHEME = 'app';
export const STUDIO_ORIGIN = `${SCHEME}://studio`;

const ROUNDABOUT = /[%\\]|\/\/|\.\./;

/** Given to Electron before it is ready. */
export const SCHEMES: CustomScheme[] = [
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
];

export function servePages(protocol: Pick<Protocol, 'handle'>, files: ReadonlyMap<string, PageFile>): void {
  protocol.handle(SCHEME, (request) => answerPage(request, files));
  protocol.handle('file', () => new Response('Files are not served.', { status: 404 }));
}

/** Exact names only: whatever else an address says names no file. */
export function answerPage(
  request: { readonly method: string; readonly url: string },
  files: ReadonlyMap<string, PageFile>,
): Response {
  if (request.method !== 'GET') return refuse(405);
  if (!URL.canParse(request.url)) return refuse(404);
  // Our files have plain names; whatever is written in a roundabout way is not one of them.
  if (ROUNDABOUT.test(request.url.slice(`${SCHEME}://`.length))) return refuse(404);
  const { protocol, host, pathname, username } = new URL(request.url);
  const file = `${protocol}//${host}` === STUDIO_ORIGIN && username === '' ? files.get(pathname) : undefined;
  if (file === undefined) return refuse(404);
  return new Response(new Uint8Array(file.body), {
    status: 200,
    headers: { ...PAGE_HEADERS, 'Content-Type': file.contentType },
  });
}

function refuse(status: number): Response {
  return new Response('There is nothing here.', {
    status,
    headers: { ...PAGE_HEADERS, 'Content-Type': 'text/plain' },
  });
}
