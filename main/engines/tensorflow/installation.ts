/** @file Node. Where an installed TensorFlow lies in the data directory, and the manifest that makes it one. */
import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { TENSORFLOW_VERSION } from './recipe.ts';

const manifestSchema = z.strictObject({
  format: z.literal(1),
  kind: z.enum(['cpu', 'cuda']),
  tensorflowVersion: z.string(),
  /** Version of the npm package whose binding was compiled. */
  bindingVersion: z.string(),
  compiler: z.string(),
  platform: z.string(),
  arch: z.string(),
  installedAt: z.string(),
  wheels: z.array(z.strictObject({ file: z.string(), sha256: z.string(), sizeBytes: z.number().int() })),
  files: z.array(z.strictObject({ path: z.string(), sizeBytes: z.number().int(), sha256: z.string() })),
});

/** Written last into an installation: without it, or with a file of another size, there is no installation. */
export type InstallationManifest = z.infer<typeof manifestSchema>;

export interface Installation {
  readonly folder: string;
  readonly manifest: InstallationManifest;
  readonly sizeBytes: number;
}

/** A folder that should be an installation and is not, and why. */
export interface BrokenInstallation {
  readonly folder: string;
  readonly problem: string;
}

export const MANIFEST_FILE = 'installed.json';
export const BINDING_FILE = 'tfjs_binding.node';

export function tensorflowFolder(dataDirectory: string): string {
  return join(dataDirectory, 'engines', 'tensorflow');
}

export function installationFolder(dataDirectory: string, kind: 'cpu' | 'cuda'): string {
  return join(tensorflowFolder(dataDirectory), `${TENSORFLOW_VERSION}-${kind}`);
}

/** Verified wheels wait here until the installation is done, so that a second try does not fetch them again. */
export function downloadFolder(dataDirectory: string): string {
  return join(tensorflowFolder(dataDirectory), 'downloads');
}

/** Reads and checks one installation (sizes, not hashes: those are gigabytes); null when there is none at all. */
export function readInstallation(folder: string): Installation | BrokenInstallation | null {
  if (!existsSync(folder)) return null;
  const manifest = readManifest(folder);
  if (typeof manifest === 'string') return { folder, problem: manifest };
  if (manifest.platform !== process.platform || manifest.arch !== process.arch)
    return { folder, problem: `it was made for ${manifest.platform} on ${manifest.arch}` };
  for (const file of manifest.files) {
    const sizeBytes = sizeOf(join(folder, file.path));
    if (sizeBytes === null) return { folder, problem: `${file.path} is missing` };
    if (sizeBytes !== file.sizeBytes)
      return { folder, problem: `${file.path} has ${sizeBytes} bytes, and should have ${file.sizeBytes}` };
  }
  return { folder, manifest, sizeBytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

export function isBroken(found: Installation | BrokenInstallation): found is BrokenInstallation {
  return 'problem' in found;
}

/** Whatever is installed of either kind, CUDA first; broken ones included. */
export function listInstallations(dataDirectory: string): (Installation | BrokenInstallation)[] {
  return (['cuda', 'cpu'] as const)
    .map((kind) => readInstallation(installationFolder(dataDirectory, kind)))
    .filter((found) => found !== null);
}

/**
 * The installation to load: with CUDA where there is a driver for it, else the plain one; one with CUDA also runs
 * without a GPU. null when nothing usable is there.
 */
export function findInstallation(
  dataDirectory: string,
  wanted: { readonly cuda: boolean },
): Installation | null {
  const usable = listInstallations(dataDirectory).filter((found) => !isBroken(found)) as Installation[];
  const preferred = usable.find(({ manifest }) => (manifest.kind === 'cuda') === wanted.cuda);
  return preferred ?? usable[0] ?? null;
}

/** Size of a folder's files, however deep; of what is left where another program removes them meanwhile. */
export function folderBytes(folder: string): number {
  return entriesOf(folder).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + folderBytes(path);
    return sum + (entry.isFile() ? (sizeOf(path) ?? 0) : 0);
  }, 0);
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}

function readManifest(folder: string): InstallationManifest | string {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST_FILE), 'utf8')));
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? `${MANIFEST_FILE} is missing` : `${MANIFEST_FILE} cannot be read`;
  }
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
