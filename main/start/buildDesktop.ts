/**
 * @file Runs under Node. Bundles what runs in Electron's main process: one file an entry under its name, and the preload
 * script. Packages stay outside: native ones cannot be bundled, and the others come with the application.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { projectFolder } from '../version.ts';
import { newestMs } from './buildPages.ts';

const INPUT = {
  desktop: 'main/desktop.ts',
  training: 'main/training/worker.ts',
  inference: 'main/training/inferenceWorker.ts',
  data: 'main/training/dataWorker.ts',
  heartbeat: 'main/training/heartbeatThread.ts',
  encoding: 'main/data/encodingThread.ts',
} as const;
const SOURCES = ['main', 'shared', 'package-lock.json'];

/** @returns the entry for Electron. */
export async function buildDesktopIfNeeded(
  say: (text: string) => void,
  root = projectFolder(),
): Promise<string> {
  const folder = join(root, 'dist', 'desktop');
  const entry = join(folder, 'desktop.js');
  const stale =
    !existsSync(entry) || SOURCES.some((source) => newestMs(join(root, source)) > statSync(entry).mtimeMs);
  if (stale) {
    await buildDesktop(folder, root);
    say('Bundled the desktop.');
  }
  return entry;
}

/** Builds into a folder beside, then renames: a broken build leaves the old one. */
export async function buildDesktop(folder: string, root = projectFolder()): Promise<void> {
  const { rolldown } = await import('rolldown');
  const fresh = `${folder}-new-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  const isPackage = (id: string) => !/^[./]/.test(id) && !/^[A-Za-z]:\\/.test(id);
  const main = await rolldown({
    cwd: root,
    input: INPUT,
    platform: 'node',
    external: (id) => isPackage(id) && !Object.values<string>(INPUT).includes(id),
  });
  await main.write({
    dir: fresh,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared-[hash].js',
  });
  await main.close();
  const preload = await rolldown({
    cwd: root,
    input: { preload: 'main/desktop/preload.cts' },
    platform: 'node',
    external: ['electron', ...builtinModules],
  });
  await preload.write({ dir: fresh, format: 'cjs', entryFileNames: '[name].cjs' });
  await preload.close();
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
}
