/** @file Runs under Node. Electron's binary: whether it is there, and fetching it. Importing electron would fetch it unasked. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../version.ts';

/** Path of the binary, or null. electron/path.txt names it once it was fetched. */
export function electronBinary(root = projectFolder()): string | null {
  const folder = join(root, 'node_modules', 'electron');
  const name = join(folder, 'path.txt');
  if (!existsSync(name)) return null;
  const binary = join(folder, 'dist', readFileSync(name, 'utf8').trim());
  return existsSync(binary) ? binary : null;
}

/** Runs Electron's own installer. @returns null when it is there, else why not. */
export async function fetchElectron(root = projectFolder()): Promise<string | null> {
  const installer = join(root, 'node_modules', 'electron', 'install.js');
  if (!existsSync(installer)) return 'the package electron is not installed';
  const child = spawn(process.execPath, [installer], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('utf8')).slice(-2000);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code === 0 && electronBinary(root) !== null) return null;
  return (
    said
      .trim()
      .split('\n')
      .find((line) => /error/i.test(line))
      ?.trim() ?? `its installer ended with code ${code}`
  );
}
