/** @file Tests. A disk that an import fills up: the import takes back all it wrote, and the rest goes on working. */
import { readdirSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCache } from '../../main/data/cache.ts';
import { listDatasets } from '../../main/data/datasets.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { clearTokenCaches } from '../../main/data/tokenCache.ts';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { smallDisk } from '../support/smallDisk.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

describe('an import that fills the disk', () => {
  test('gives all of it back: lists can be shown, caches cleared, a smaller data set imported', async ({
    skip,
  }) => {
    const disk = smallDisk(6)?.folder;
    if (disk === undefined) return skip('only root on Linux may mount a small disk');
    const source = temporaryFolder();
    const large = join(source, 'large.csv');
    writePairsCsv(large, numberedPairs(60_000));
    const path = join(disk, 'cache.db');
    const cache = openCache(path);
    onTestFinished(() => cache.close());
    const before = freeBytes(disk);
    const refused = await studioRejectionOf(importDataset(cache, { path: large, name: 'large' }));
    expect(refused).toMatchObject({ code: 'DISK_FULL', place: { file: path } });
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(freeBytes(disk)).toBeGreaterThan(before - 500_000);
    expect(readdirSync(disk).filter((name) => name.includes('reserve'))).toEqual([]);

    const small = join(source, 'small.csv');
    writePairsCsv(small, numberedPairs(100));
    await importDataset(cache, { path: small, name: 'small' });
    // Somebody else takes the rest of the disk.
    writeFileSync(join(disk, 'rest'), Buffer.alloc(freeBytes(disk)));
    const again = openCache(path);
    onTestFinished(() => again.close());
    expect(listDatasets(again).map(({ name }) => name)).toEqual(['small']);
    clearTokenCaches(again);
  });
});
