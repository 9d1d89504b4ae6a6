/** @file Runs under Node. The folder "resources" beside the program: the built-in sample, compiled kernels, icons. */
import { join } from 'node:path';

/** main/files/ in a checkout and dist/desktop/ in a bundle lie equally deep below it. */
export function resourcePath(...names: string[]): string {
  return join(import.meta.dirname, '..', '..', 'resources', ...names);
}
