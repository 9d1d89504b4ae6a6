/** @file Tests. Where an engine is installed for tests; an absent one skips its test aloud, and fails it in CI. */
import { listInstallations } from '../../main/engines/tensorflow/installation.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import type { EngineName } from '../../shared/engines.ts';

/** -> the data directory that has the engine. */
export function engineForTests(name: EngineName, skip: (reason: string) => void): string {
  const dataDirectory = chooseDataDirectory(null, process.env);
  if (name !== 'tensorflow' || listInstallations(dataDirectory).length > 0) return dataDirectory;
  const reason = `engine ${name} is not installed (npx --no entail engines install ${name})`;
  if (process.env['CI'] === 'true') throw new Error(`With CI=true nothing is skipped: ${reason}.`);
  skip(reason);
  return dataDirectory;
}
