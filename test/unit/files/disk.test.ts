/** @file Tests. Free space, and sizes in words. */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatBytes, freeBytes, requireFreeBytes } from '../../../main/files/disk.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

test('the free space of a folder is that of its disk, also before the folder is made', () => {
  const folder = temporaryFolder();
  const { bsize, blocks } = statfsSync(folder);
  for (const path of [folder, join(folder, 'not', 'yet')]) {
    expect(freeBytes(path)).toBeGreaterThan(0);
    expect(freeBytes(path)).toBeLessThanOrEqual(bsize * blocks);
  }
});

test('too little of it is DISK_FULL, with both figures and what to do', () => {
  const folder = temporaryFolder();
  requireFreeBytes(folder, 1, 'The import');
  const error = studioErrorOf(() => requireFreeBytes(folder, 5e17, 'The import of SNLI'));
  expect(error.code).toBe('DISK_FULL');
  expect(error.message).toMatch(
    /^The import of SNLI needs 500000\.0 TB, but only [\d.]+ [kMGT]B are free in /,
  );
  expect(error.nextStep).toMatch(/^Free \d+\.\d TB more/);
});

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [94_550_081, '94.6 MB'],
  [1.2e9, '1.2 GB'],
  [4e15, '4000.0 TB'],
])('%d bytes are %s', (bytes, words) => {
  expect(formatBytes(bytes)).toBe(words);
});
