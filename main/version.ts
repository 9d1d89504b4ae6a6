/** @file Runs under Node. Entail's own version, from the package file beside it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's folder, in a checkout and in a packaged studio alike. */
export const projectFolder = () => dirname(import.meta.dirname);

export function readVersion(): string {
  const text = readFileSync(join(projectFolder(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
