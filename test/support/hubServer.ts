/**
 * @file Tests. A hub on loopback that answers as the public one does: /api/…/revision, /api/…/tree (in pages), and
 * /resolve with a redirect to another host for files in large storage.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type LoopbackServer, loopbackServer, serve } from './loopbackServer.ts';

/** 40 digits, as a commit has them. */
export const HUB_COMMIT = '0123456789abcdef0123456789abcdef01234567';

export interface HubContent {
  /** "OWNER/NAME"; for data sets "datasets/OWNER/NAME". */
  readonly repository: string;
  /** Revision as it is asked for ("HEAD" when none is) -> commit; HEAD, main and the commit itself unless told. */
  readonly revisions?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Buffer | string>>;
  /** Per commit where revisions differ. */
  readonly filesAt?: Readonly<Record<string, Readonly<Record<string, Buffer | string>>>>;
  /** Paths in large storage: SHA-256, and bytes from the second host. */
  readonly large?: readonly string[];
  readonly card?: unknown;
  /** Who may have it. */
  readonly access?: 'public' | 'gated' | 'private';
  readonly token?: string;
  /** Entries a page of the tree. */
  readonly pageSize?: number;
}

export interface HubServer {
  /** For HF_ENDPOINT. */
  readonly origin: string;
  readonly hub: LoopbackServer;
  /** The host that keeps large files. */
  readonly store: LoopbackServer;
}

/** Answers instead of the hub (or its store), when it returns true. */
export type Interfering = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

export async function hubServer(
  content: HubContent,
  interfere: { readonly hub?: Interfering; readonly store?: Interfering } = {},
): Promise<HubServer> {
  const store = await loopbackServer((request, response, count) => {
    if (interfere.store?.(request, response, count) === true) return;
    const bytes = Buffer.from(
      filesOf(content, HUB_COMMIT).get(decodeURIComponent(request.url!.slice(1))) ?? '',
    );
    serve(request, response, { bytes, etag: `"${sha256(bytes)}"` });
  });
  const hub = await loopbackServer((request, response, count) => {
    if (interfere.hub?.(request, response, count) === true) return;
    answer(content, { request, response, origin: hub.origin, storeOrigin: store.origin });
  });
  return { origin: hub.origin, hub, store };
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly origin: string;
  readonly storeOrigin: string;
}

function answer(content: HubContent, { request, response, origin, storeOrigin }: Asked): void {
  const url = new URL(request.url!, origin);
  const { repository, access = 'public', token } = content;
  const isDataset = repository.startsWith('datasets/');
  const api = isDataset ? `/api/${repository}` : `/api/models/${repository}`;
  const authorised = token !== undefined && request.headers.authorization === `Bearer ${token}`;
  const refuse = (status: number, code: string) =>
    response
      .writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' })
      .end(JSON.stringify({ error: code }));
  const path = url.pathname;
  if (!path.startsWith(`${api}/`) && !path.startsWith(`/${repository}/`))
    return void refuse(401, 'RepoNotFound');
  if (access === 'private' && !authorised) return void refuse(401, 'RepoNotFound');
  const [, revision] = /\/(?:revision|tree|resolve)\/([^/]+)/.exec(path) ?? [];
  const commit = revisionsOf(content)[decodeURIComponent(revision ?? '')];
  if (commit === undefined) return void refuse(404, 'RevisionNotFound');
  const files = filesOf(content, commit);
  if (path.startsWith(`${api}/revision/`)) {
    const name = isDataset ? repository.slice('datasets/'.length) : repository;
    sendJson(response, {
      _id: '1',
      id: name,
      sha: commit,
      private: false,
      gated: access === 'gated',
      cardData: content.card,
      lastModified: '2024-01-01T00:00:00.000Z',
    });
  } else if (path.startsWith(`${api}/tree/`)) {
    sendTree(response, { url, content, files });
  } else {
    const name = decodeURIComponent(path.split('/resolve/')[1]!.split('/').slice(1).join('/'));
    const bytes = files.get(name);
    if (bytes === undefined) return void refuse(404, 'EntryNotFound');
    if (access === 'gated' && !authorised) return void refuse(token === undefined ? 401 : 403, 'GatedRepo');
    if (content.large?.includes(name) !== true)
      return void serve(request, response, { bytes, etag: `"${gitSha1(bytes)}"` });
    const headers = {
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': bytes.length,
      'x-repo-commit': commit,
    };
    response.writeHead(302, { ...headers, location: `${storeOrigin}/${encodeURIComponent(name)}` }).end();
  }
}

function sendTree(
  response: ServerResponse,
  { url, content, files }: { url: URL; content: HubContent; files: ReadonlyMap<string, Buffer> },
): void {
  const folders = new Set(
    [...files.keys()].filter((path) => path.includes('/')).map((path) => path.slice(0, path.indexOf('/'))),
  );
  const entries = [
    ...[...folders].map((path) => ({ type: 'directory', oid: '0'.repeat(40), size: 0, path })),
    ...[...files].map(([path, bytes]) => {
      const large = content.large?.includes(path) === true;
      const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 130 };
      return { type: 'file', oid: gitSha1(bytes), size: bytes.length, path, ...(large ? { lfs } : {}) };
    }),
  ];
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const to = from + (content.pageSize ?? 1000);
  if (to < entries.length) {
    url.searchParams.set('cursor', String(to));
    response.setHeader('link', `<${url.href}>; rel="next"`);
  }
  sendJson(response, entries.slice(from, to));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function revisionsOf({ revisions = {} }: HubContent): Record<string, string> {
  const all = { HEAD: HUB_COMMIT, main: HUB_COMMIT, ...revisions };
  return { ...all, ...Object.fromEntries(Object.values(all).map((commit) => [commit, commit])) };
}

function filesOf({ files, filesAt = {} }: HubContent, commit: string): Map<string, Buffer> {
  const here = filesAt[commit] ?? files;
  return new Map(Object.entries(here).map(([path, content]) => [path, Buffer.from(content)]));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function gitSha1(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
