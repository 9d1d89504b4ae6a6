/**
 * @file Tests. A distribution of Electron as far as a packager looks at it: a folder with an executable that holds the
 * sentinel of the fuses, and their wire behind it: one byte of version, one of length, one a fuse.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

/** In the order of the wire. */
export const FUSES = [
  'runAsNode',
  'enableCookieEncryption',
  'enableNodeOptionsEnvironmentVariable',
  'enableNodeCliInspectArguments',
  'enableEmbeddedAsarIntegrityValidation',
  'onlyLoadAppFromAsar',
  'loadBrowserProcessSpecificV8Snapshot',
  'grantFileProtocolExtraPrivileges',
  'wasmTrapHandlers',
] as const;

/** As Electron leaves them. */
const AS_RELEASED = '101100011';

/** @returns the folder. */
export function writeStubElectron(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const wire = Buffer.concat([Buffer.from([1, FUSES.length]), Buffer.from(AS_RELEASED, 'latin1')]);
  const program = Buffer.concat([
    Buffer.from(`a stub\0${SENTINEL}`, 'latin1'),
    wire,
    Buffer.from('\0the rest'),
  ]);
  writeFileSync(join(folder, 'electron'), program, { mode: 0o755 });
  writeFileSync(join(folder, 'LICENSE'), 'licence of the stub');
  return folder;
}

/** Which fuses of an executable are on, by name. */
export function readFuses(executable: string): Record<string, boolean> {
  const program = readFileSync(executable);
  const wire = program.subarray(program.indexOf(SENTINEL) + SENTINEL.length + 2);
  return Object.fromEntries(FUSES.map((name, place) => [name, wire[place] === '1'.charCodeAt(0)]));
}
