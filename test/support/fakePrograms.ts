/** @file Tests. A PATH with only the programs that a test wants on it: links to real ones, and small shell scripts. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach } from 'vitest';
import { temporaryFolder } from './temporaryFolder.ts';

const changed = new Map<string, string | undefined>();

afterEach(() => {
  for (const [name, value] of changed) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  changed.clear();
});

/** Sets a variable of this process until the test ends. */
export function setVariable(name: string, value: string): void {
  if (!changed.has(name)) changed.set(name, process.env[name]);
  process.env[name] = value;
}

/** Absolute path of a program on the PATH, or null. */
export function programPath(name: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/**
 * Makes a folder that is this process's whole PATH until the test ends.
 * @param scripts shell scripts by the name of the program
 * @param links names of real programs that shall be found
 */
export function onlyPrograms(
  scripts: Readonly<Record<string, string>>,
  links: readonly string[] = [],
): string {
  const folder = join(temporaryFolder(), 'bin');
  mkdirSync(folder);
  for (const [name, script] of Object.entries(scripts)) writeScript(join(folder, name), script);
  for (const name of links) {
    const real = programPath(name);
    if (real !== null) symlinkSync(real, join(folder, name));
  }
  setVariable('PATH', folder);
  return folder;
}

export function writeScript(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
