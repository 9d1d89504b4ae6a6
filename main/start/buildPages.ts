/**
 * @file Runs under Node. Builds the page when its sources are newer than what was built: to a folder beside, then in one
 * rename, so that a broken build leaves the old page.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { awaitFileLock } from '../files/fileLock.ts';
import { projectFolder } from '../version.ts';

/** On a machine that is busy with other things. */
const LONGEST_BUILD_MS = 10 * 60_000;
const SOURCES = ['renderer', 'shared', 'vite.config.ts', 'package-lock.json'];

/** Newest time of a file, or of anything in a folder. */
export function newestMs(path: string): number {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  const inside = readdirSync(path).map((name) => newestMs(join(path, name)));
  // A folder's own time tells of files that were removed.
  return Math.max(status.mtimeMs, ...inside);
}

/** True when the page must be built again. */
export function pagesAreStale(root: string): boolean {
  // Asked once: another start may be about to put new ones in the place of the old ones.
  const built = statSync(join(root, 'dist', 'renderer', 'index.html'), { throwIfNoEntry: false });
  return built === undefined || SOURCES.some((source) => newestMs(join(root, source)) > built.mtimeMs);
}

/** Two starts at the same time build once. @throws what vite says. */
export async function buildPagesIfNeeded(say: (text: string) => void, root = projectFolder()): Promise<void> {
  if (!pagesAreStale(root)) return;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const lock = await awaitFileLock(join(root, 'dist', 'build.lock'), {
    ...{ purpose: 'building the pages', mostMs: LONGEST_BUILD_MS },
  });
  try {
    // Another start may have built them meanwhile.
    if (!pagesAreStale(root)) return;
    const beganMs = performance.now();
    const { build } = await import('vite');
    const fresh = join(root, 'dist', `renderer-new-${process.pid}`);
    await build({
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: fresh, emptyOutDir: true },
    });
    const place = join(root, 'dist', 'renderer');
    const old = join(root, 'dist', `renderer-old-${process.pid}`);
    if (existsSync(place)) renameSync(place, old);
    renameSync(fresh, place);
    rmSync(old, { recursive: true, force: true });
    say(`Built the pages in ${((performance.now() - beganMs) / 1000).toFixed(1)} s.`);
  } finally {
    lock.release();
  }
}
