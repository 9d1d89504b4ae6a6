/**
 * @file Runs under Node. Builds the program of exported pages when its sources are newer: one classic script with
 * TensorFlow.js and the studio's own tokenizers, its sheet, and the WebAssembly binary as a script.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parcelScript } from '../export/page/writePage.ts';
import { awaitFileLock } from '../files/fileLock.ts';
import { projectFolder } from '../version.ts';
import { newestMs } from './buildPages.ts';

/** On a machine that is busy with other things. */
const LONGEST_BUILD_MS = 10 * 60_000;
const SOURCES = ['main/export/page', 'main/data', 'renderer/ui/tokens.css', 'package-lock.json'];
const PROGRAM = 'main/export/page/program';
const WASM = 'node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
const NOTICE = '/*! Entail, and TensorFlow.js (Copyright Google LLC): Apache License 2.0. */';

/** @returns the folder of the built program; a broken build leaves the old one. */
export async function buildExportPageIfNeeded(
  say: (text: string) => void,
  root = projectFolder(),
): Promise<string> {
  const place = join(root, 'dist', 'exportPage');
  if (!isStale(place, root)) return place;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const lock = await awaitFileLock(join(root, 'dist', 'exportPage.lock'), {
    ...{ purpose: 'building the exported page', mostMs: LONGEST_BUILD_MS },
  });
  const [fresh, old] = [`${place}-new-${process.pid}`, `${place}-old-${process.pid}`];
  try {
    // Another start may have built it meanwhile.
    if (!isStale(place, root)) return place;
    await build(fresh, root);
    if (existsSync(place)) renameSync(place, old);
    renameSync(fresh, place);
    say('Built the program of exported pages.');
    return place;
  } finally {
    for (const leftover of [fresh, old]) rmSync(leftover, { recursive: true, force: true });
    lock.release();
  }
}

function isStale(place: string, root: string): boolean {
  // Asked once: another start may be about to put a new one in the place of the old one.
  const built = statSync(join(place, 'playground.js'), { throwIfNoEntry: false });
  return built === undefined || SOURCES.some((source) => newestMs(join(root, source)) > built.mtimeMs);
}

async function build(folder: string, root: string): Promise<void> {
  mkdirSync(folder);
  const css = ['renderer/ui/tokens.css', `${PROGRAM}/playground.css`].map((path) =>
    readFileSync(join(root, path), 'utf8'),
  );
  writeFileSync(join(folder, 'playground.css'), css.join('\n'));
  const wasm = readFileSync(join(root, WASM)).toString('base64');
  writeFileSync(join(folder, 'wasm.js'), parcelScript({ kind: 'wasm', value: wasm }));
  for (const name of ['theme', 'playground']) await bundle(name, folder, root);
}

async function bundle(name: string, folder: string, root: string): Promise<void> {
  const { rolldown } = await import('rolldown');
  const bundler = await rolldown({
    cwd: root,
    input: { [name]: `${PROGRAM}/${name}.ts` },
    platform: 'browser',
    resolve: { alias: { 'node:crypto': join(root, PROGRAM, 'noHashing.ts') } },
    treeshake: {
      // Files of the project do nothing when they are imported: of what pages do not use nothing is left.
      moduleSideEffects: (id) => id.includes('node_modules') || id.includes(`${PROGRAM}/`),
    },
  });
  await bundler.write({
    dir: folder,
    format: 'iife',
    entryFileNames: '[name].js',
    minify: true,
    postBanner: NOTICE,
  });
  await bundler.close();
}
