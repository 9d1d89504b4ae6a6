/** @file Runs under Node. Where Entail keeps what it keeps. */
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';

/** Every place in the data directory that has a name; docs/guide.md tells users about them. */
export interface DataPlaces {
  readonly root: string;
  readonly studioDatabase: string;
  readonly cacheDatabase: string;
  readonly runs: string;
  /** Imported models, a folder each. */
  readonly models: string;
}

export function dataPlaces(root: string): DataPlaces {
  return {
    root,
    studioDatabase: join(root, 'studio.db'),
    cacheDatabase: join(root, 'cache.db'),
    runs: join(root, 'runs'),
    models: join(root, 'models'),
  };
}

/** --data-dir, else ENTAIL_HOME, else the platform's convention. */
export function chooseDataDirectory(
  given: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const home = environment['ENTAIL_HOME'];
  if (given !== null) return resolve(given);
  return home === undefined || home === '' ? envPaths('entail', { suffix: '' }).data : resolve(home);
}
