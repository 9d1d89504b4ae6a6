/**
 * @file Tests. A Vulkan driver in software, so that the engine `webgpu` is tested on machines without a GPU: SwiftShader,
 * which the browser for tests carries. vitest calls `setup` once, before its processes start.
 */
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** As `ENTAIL_WEBGPU_ADAPTER` takes it: software is never chosen by itself. */
export const SOFTWARE_ADAPTER = 'SwiftShader';

const FOLDER = join(dirname(dirname(import.meta.dirname)), 'dist', 'swiftshader');
const DRIVER = 'libvk_swiftshader.so';
/** The driver answers to the calls of Vulkan's loader too, so that no list of drivers needs to be installed. */
const LOADER = 'libvulkan.so.1';
const TAR_BLOCK = 512;

export const SOFTWARE_VULKAN_REMEDY =
  'its driver in software is for Linux on x64; set ENTAIL_WEBGPU_ADAPTER to the name of a GPU to use that';

/** Whether this process was started with an adapter to test on: `setup` sees to it where it can. */
export const hasWebgpuForTests = () => process.env['ENTAIL_WEBGPU_ADAPTER'] !== undefined;

/** What a process needs in its environment, from its start, to find the driver; unpacks it the first time. */
export function softwareVulkanEnvironment(): Record<string, string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return {};
  const paths = [unpacked(), process.env['LD_LIBRARY_PATH'] ?? ''].filter((path) => path !== '');
  return { LD_LIBRARY_PATH: paths.join(delimiter), ENTAIL_WEBGPU_ADAPTER: SOFTWARE_ADAPTER };
}

/** Whoever names an adapter has the tests on that one: a GPU, or another driver in software. */
export function setup(): void {
  if (process.env['ENTAIL_WEBGPU_ADAPTER'] === undefined)
    Object.assign(process.env, softwareVulkanEnvironment());
}

/** -> the folder with the driver of this version of the package. Several processes may unpack at once: one wins. */
function unpacked(): string {
  const root = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', '..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const folder = join(FOLDER, version);
  if (existsSync(join(folder, LOADER))) return folder;
  mkdirSync(FOLDER, { recursive: true });
  const temporary = mkdtempSync(join(FOLDER, 'unpacking-'));
  const archive = brotliDecompressSync(readFileSync(join(root, 'bin', 'swiftshader.tar.br')));
  writeFileSync(join(temporary, DRIVER), fileInTar(archive, DRIVER), { mode: 0o755 });
  linkSync(join(temporary, DRIVER), join(temporary, LOADER));
  try {
    renameSync(temporary, folder);
  } catch {
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}

/** The bytes of a file of a plain tar. @throws Error when there is none of that name */
function fileInTar(archive: Buffer, wanted: string): Buffer {
  const text = (from: number, to: number) => archive.toString('latin1', from, to).replace(/\0.*$/s, '');
  for (let at = 0; at + TAR_BLOCK <= archive.length; ) {
    const name = text(at, at + 100);
    const size = Number.parseInt(text(at + 124, at + 136), 8) || 0;
    const begin = at + TAR_BLOCK;
    if (name.replace(/^\.\//, '') === wanted) return archive.subarray(begin, begin + size);
    at = begin + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  throw new Error(`The archive has no file ${wanted}.`);
}
