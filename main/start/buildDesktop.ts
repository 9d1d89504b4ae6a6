/**
 * @file Runs under Node. Bundles what runs in Electron's main process: one file an entry under its name, and the preload
 * script. Plain packages go into the bundle; electron-builder.yml names the few that stay outside and are packaged whole.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { acquireFileLock } from '../files/fileLock.ts';
import { projectFolder } from '../version.ts';
import { newestMs } from './buildPages.ts';

const INPUT = {
  desktop: 'main/desktop.ts',
  training: 'main/training/worker.ts',
  inference: 'main/training/inferenceWorker.ts',
  data: 'main/training/dataWorker.ts',
  engineTest: 'main/golden/engineTestWorker.ts',
  export: 'main/exporting/exportWorker.ts',
  selfTest: 'main/engines/tensorflow/selfTestProgram.ts',
  adapters: 'main/engines/webgpu/adaptersProgram.ts',
  heartbeat: 'main/training/heartbeatThread.ts',
  encoding: 'main/data/encodingThread.ts',
} as const;
const SOURCES = ['main', 'shared', 'package-lock.json'];

/**
 * Native code cannot be bundled. And tfjs must be there once: tfjs-node, which is read from where it lies, asks for the
 * same tfjs-core as our own code.
 */
const OUTSIDE = /^(electron|better-sqlite3|onnxruntime-node|webgpu|@tensorflow\/.+)$/;

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

/** Builds into a folder beside, then renames: a broken build leaves the old one. Two starts do not build at once. */
export async function buildDesktop(folder: string, root = projectFolder()): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const lock = acquireFileLock(`${folder}.lock`, { purpose: 'bundling the desktop' });
  const [fresh, old] = [`${folder}-new-${process.pid}`, `${folder}-old-${process.pid}`];
  try {
    await bundle(fresh, root);
    if (existsSync(folder)) renameSync(folder, old);
    renameSync(fresh, folder);
  } finally {
    for (const leftover of [fresh, old]) rmSync(leftover, { recursive: true, force: true });
    lock.release();
  }
}

async function bundle(folder: string, root: string): Promise<void> {
  const { rolldown } = await import('rolldown');
  const main = await rolldown({ cwd: root, input: INPUT, platform: 'node', external: OUTSIDE });
  await main.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared-[hash].js',
  });
  await main.close();
  const preload = await rolldown({
    cwd: root,
    input: { preload: 'main/desktop/preload.cts' },
    platform: 'node',
    external: 'electron',
  });
  await preload.write({ dir: folder, format: 'cjs', entryFileNames: '[name].cjs' });
  await preload.close();
}
