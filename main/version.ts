/** @file Runs under Node. Entail's own version, from the package file beside it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's folder: above main/ in a checkout, above dist/desktop/ in a bundle, packaged or not. */
export const projectFolder = () =>
  import.meta.url.endsWith('.ts') ? dirname(import.meta.dirname) : dirname(dirname(import.meta.dirname));

export function readVersion(): string {
  const text = readFileSync(join(projectFolder(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
