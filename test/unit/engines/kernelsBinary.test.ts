/** @file Tests. The committed kernels are what their source compiles to. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

it('compiles wasm/ to the bytes of resources/kernels.wasm', () => {
  const out = join(temporaryFolder(), 'kernels.wasm');
  const compiler = join('node_modules', 'assemblyscript', 'bin', 'asc.js');
  const words = ['wasm/index.ts', '--config', 'wasm/asconfig.json', '--target', 'release', '--outFile', out];
  execFileSync(process.execPath, [compiler, ...words]);
  const same = readFileSync(out).equals(readFileSync('resources/kernels.wasm'));
  expect(same, 'run `npm run kernels` and commit resources/kernels.wasm').toBe(true);
});

it('keeps no memory of its own, since it lives in the memory of tfjs', async () => {
  // A data segment would overwrite whatever tfjs keeps at that address. Section number 11 is "data".
  const bytes = readFileSync('resources/kernels.wasm');
  const sections: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    sections.push(bytes[at]!);
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[++at]!;
      length += (byte & 0x7f) * 2 ** shift;
      more = byte >= 0x80;
    }
    at += length + 1;
  }
  expect(sections).toContain(10);
  expect(sections).not.toContain(11);
});
