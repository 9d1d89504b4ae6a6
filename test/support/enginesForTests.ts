/** @file Tests. Where an engine is installed for tests; an absent one skips its test aloud, and fails it in CI. */
import { existsSync } from 'node:fs';
import { nativePlaces } from '../../main/engines/native/loader.ts';
import { listInstallations } from '../../main/engines/tensorflow/installation.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import type { EngineName } from '../../shared/engines.ts';
import { hasWebgpuForTests, SOFTWARE_VULKAN_REMEDY } from './softwareVulkan.ts';

/** Where TensorFlow is installed for tests: ENTAIL_HOME, else the person's own data directory. */
export const dataDirectoryForTests = () => chooseDataDirectory(null, process.env);

/** A broken engine is not an absent one: its tests run, and fail. -> null when it is there. */
export function whyAbsent(name: EngineName): string | null {
  const remedies = new Map<EngineName, { there: boolean; remedy: string }>([
    ['native', { there: Object.values(nativePlaces()).some(existsSync), remedy: 'npm run native' }],
    [
      'tensorflow',
      {
        there: listInstallations(dataDirectoryForTests()).length > 0,
        remedy: 'npx --no entail engines install tensorflow',
      },
    ],
    ['webgpu', { there: hasWebgpuForTests(), remedy: SOFTWARE_VULKAN_REMEDY }],
  ]);
  const { there, remedy } = remedies.get(name) ?? { there: true, remedy: '' };
  return there ? null : `engine ${name} is not installed (${remedy})`;
}

/** Null, or why tests of the engine are skipped. @throws Error instead with CI=true */
export function reasonToSkip(name: EngineName): string | null {
  const reason = whyAbsent(name);
  if (reason !== null && process.env['CI'] === 'true')
    throw new Error(`With CI=true nothing is skipped: ${reason}.`);
  return reason;
}

/** -> the data directory that has the engine. */
export function engineForTests(name: EngineName, skip: (reason: string) => void): string {
  const reason = reasonToSkip(name);
  if (reason !== null) skip(reason);
  return dataDirectoryForTests();
}
