/** @file Runs under Node. What lies beside the program: the built-in sample, compiled kernels, icons, what was built. */
import { join } from 'node:path';

/** In the project's folder: main/files/ in a checkout and dist/desktop/ in a bundle lie equally deep below it. */
export function programPath(...names: string[]): string {
  return join(import.meta.dirname, '..', '..', ...names);
}

export function resourcePath(...names: string[]): string {
  return programPath('resources', ...names);
}
