/** @file Tests. Opening cache.db: its settings, and every kind of file that may stand in its place. */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { lockCache, openCache } from '../../../main/data/cache.ts';
import { CACHE_APPLICATION_ID, CACHE_VERSION } from '../../../main/data/cacheSchema.ts';
import { listDatasets } from '../../../main/data/datasets.ts';
import { BlockWriter } from '../../../main/data/exampleBlocks.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const cachePath = (): string => join(temporaryFolder(), 'cache.db');

/** A cache with a data set of about 1 MB in it, closed. */
function filledCache(path: string, { complete = 1 } = {}): void {
  const cache = openCache(path);
  cache.database.prepare("INSERT INTO datasets (name, complete) VALUES ('filled', ?)").run(complete);
  const writer = new BlockWriter(cache, 1, 0);
  const sentence = { raw: 'A person on a horse. '.repeat(10), tokens: 'A person on a horse . '.repeat(10) };
  for (let at = 0; at < 1024; at++) writer.add({ premise: sentence, hypothesis: sentence, label: at % 3 });
  cache.close();
}

const asideIn = (path: string): string[] =>
  readdirSync(join(path, '..')).filter((name) => name.includes('set-aside'));

describe('a new cache', () => {
  test('has the settings that keep it whole', () => {
    const cache = openCache(cachePath());
    const pragma = (name: string): unknown => cache.database.pragma(name, { simple: true });
    expect(cache.notice).toBeNull();
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(1);
    expect(pragma('foreign_keys')).toBe(1);
    expect(pragma('busy_timeout')).toBe(5000);
    expect(pragma('trusted_schema')).toBe(0);
    expect(pragma('cell_size_check')).toBe(1);
    expect(pragma('auto_vacuum')).toBe(2);
    expect(pragma('application_id')).toBe(CACHE_APPLICATION_ID);
    expect(pragma('user_version')).toBe(CACHE_VERSION);
    cache.close();
  });

  test('is made in a folder that is not there yet, and in the place of an empty file', () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    openCache(join(folder, 'cache.db')).close();
    const path = cachePath();
    writeFileSync(path, '');
    const cache = openCache(path);
    expect(cache.notice).toBeNull();
    expect(listDatasets(cache)).toEqual([]);
    cache.close();
  });

  test('opens twice at once, and again', () => {
    const path = cachePath();
    const [first, second] = [openCache(path), openCache(path)];
    first.close();
    second.close();
    second.close();
    expect(openCache(path).notice).toBeNull();
  });
});

describe('a file that is no usable cache is set aside, byte for byte, and said aloud', () => {
  const cases: [string, (path: string) => void, RegExp][] = [
    ['text', (path) => writeFileSync(path, 'my precious notes\n'.repeat(100)), /not a database/],
    ['a few bytes', (path) => writeFileSync(path, 'x'), /not a database/],
    [
      'the database of another program',
      (path) => new Database(path).exec('CREATE TABLE t (x)').close(),
      /another program/,
    ],
    [
      'cut to half',
      (path) => {
        filledCache(path);
        truncateSync(path, statSync(path).size / 2);
      },
      /cut short/,
    ],
    [
      'garbage behind a good header',
      (path) => {
        filledCache(path);
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 100, 200_000);
        writeFileSync(path, bytes);
      },
      /damaged/,
    ],
    [
      'of an earlier version',
      (path) => {
        filledCache(path);
        const database = new Database(path);
        database.pragma('user_version = 0');
        // One that is left open writes its log into the file whenever it is collected.
        database.close();
      },
      /earlier version/,
    ],
  ];
  test.each(cases)('%s', (_what, make, why) => {
    const path = cachePath();
    make(path);
    const before = readFileSync(path);
    const cache = openCache(path);
    expect(cache.notice).toMatch(why);
    expect(cache.notice).toContain('set aside');
    expect(listDatasets(cache)).toEqual([]);
    const aside = asideIn(path);
    expect(aside.length).toBeGreaterThan(0);
    expect(readFileSync(join(path, '..', aside[0]!)).equals(before)).toBe(true);
    cache.close();
    const again = openCache(path);
    expect(again.notice).toBeNull();
    again.close();
  });
});

describe('what is refused', () => {
  test('a cache of a newer version, which stays as it is', () => {
    const path = cachePath();
    openCache(path).close();
    const database = new Database(path);
    database.pragma(`user_version = ${CACHE_VERSION + 1}`);
    database.close();
    for (const readOnly of [false, true]) {
      const error = studioErrorOf(() => openCache(path, { readOnly }));
      expect(error).toMatchObject({ code: 'DATABASE_NEWER', place: { file: path } });
    }
    expect(asideIn(path)).toEqual([]);
  });

  test('a folder in its place', () => {
    const path = cachePath();
    mkdirSync(path);
    expect(studioErrorOf(() => openCache(path))).toMatchObject({ code: 'UNREADABLE' });
  });

  test('for reading: nothing there, or garbage, and neither is touched', () => {
    const path = cachePath();
    expect(studioErrorOf(() => openCache(path, { readOnly: true }))).toMatchObject({ code: 'NOT_FOUND' });
    writeFileSync(path, 'not a database, but long enough to be one'.repeat(10));
    expect(studioErrorOf(() => openCache(path, { readOnly: true }))).toMatchObject({
      code: 'DATABASE_CORRUPT',
    });
    expect(asideIn(path)).toEqual([]);
  });

  test('writing through a cache that is open for reading', () => {
    const path = cachePath();
    openCache(path).close();
    const cache = openCache(path, { readOnly: true });
    const error = studioErrorOf(() =>
      cache.write(() => cache.database.exec("INSERT INTO datasets (name) VALUES ('x')")),
    );
    expect(error).toMatchObject({ code: 'WRITE_FAILED' });
    cache.close();
  });
});

describe('damage and leftovers inside', () => {
  test('damage that SQLite meets later is reported, and the next opening sets the file aside', () => {
    const path = cachePath();
    filledCache(path);
    const bytes = readFileSync(path);
    // Past the small tables, which are read at every opening.
    bytes.fill(0xa5, bytes.length - 600_000);
    writeFileSync(path, bytes);
    const cache = openCache(path);
    expect(cache.notice).toBeNull();
    const error = studioErrorOf(() =>
      cache.guard(() =>
        cache.database.prepare('SELECT * FROM example_blocks ORDER BY premise_tokens, labels').all(),
      ),
    );
    expect(error).toMatchObject({ code: 'DATABASE_CORRUPT', place: { file: path } });
    cache.close();
    const again = openCache(path);
    expect(again.notice).toMatch(/damaged/);
    again.close();
    expect(asideIn(path).length).toBeGreaterThan(0);
  });

  test('what an interrupted job left is removed, and its space given back', () => {
    const path = cachePath();
    filledCache(path, { complete: 0 });
    const sizeBytes = statSync(path).size;
    const cache = openCache(path);
    expect(cache.database.prepare('SELECT count(*) FROM example_blocks').pluck().get()).toBe(0);
    expect(statSync(path).size).toBeLessThan(sizeBytes / 2);
    cache.close();
  });

  test('it stays while the job that makes it holds the lock', () => {
    const path = cachePath();
    const cache = openCache(path);
    const lock = lockCache(cache, 'importing "x"');
    cache.database.prepare("INSERT INTO datasets (name) VALUES ('x')").run();
    openCache(path).close();
    expect(cache.database.prepare('SELECT count(*) FROM datasets').pluck().get()).toBe(1);
    lock.release();
    openCache(path).close();
    expect(cache.database.prepare('SELECT count(*) FROM datasets').pluck().get()).toBe(0);
    cache.close();
  });

  test('a second holder of the lock is told who has it', () => {
    const cache = openCache(cachePath());
    const lock = lockCache(cache, 'importing "snli"');
    const error = studioErrorOf(() => lockCache(cache, 'deleting'));
    expect(error).toMatchObject({ code: 'LOCKED' });
    expect(error.message).toContain(`process ${process.pid} (importing "snli")`);
    lock.release();
    lockCache(cache, 'deleting').release();
    cache.close();
  });

  test('bytes appended to the file do no harm', () => {
    const path = cachePath();
    filledCache(path);
    appendFileSync(path, Buffer.alloc(5000, 7));
    const cache = openCache(path);
    expect(cache.notice).toBeNull();
    cache.close();
  });
});
