/**
 * @file Runs under Node. The files of the built page, by the exact address under which each is served. The folder is
 * listed once, so that an address can only name a file that was there: no path is ever made from what a client says.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { StudioError } from '../../shared/errors.ts';

export interface PageFile {
  readonly contentType: string;
  /** Hashed names never change; index.html is asked for again each time. */
  readonly immutable: boolean;
  readonly body: Buffer;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.woff2', 'font/woff2'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.json', 'application/json'],
]);

/** "/" and "/assets/…" -> file. Links and files of other types are left out. @throws StudioError NOT_FOUND before a build. */
export function pageFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of listed(folder)) {
    const path = join(entry.parentPath, entry.name);
    const contentType = TYPES.get(extname(entry.name));
    if (!entry.isFile() || contentType === undefined) continue;
    const address = `/${relative(folder, path).split(sep).join('/')}`;
    const immutable = address.startsWith('/assets/');
    files.set(address === '/index.html' ? '/' : address, {
      contentType,
      immutable,
      body: readFileSync(path),
    });
  }
  if (!files.has('/')) throw notBuilt(folder);
  return files;
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    throw notBuilt(folder);
  }
}

function notBuilt(folder: string): StudioError {
  return new StudioError('NOT_FOUND', 'The pages of the studio have not been built.', {
    nextStep: 'Run npm start once: it builds them.',
    place: { file: folder },
  });
}
