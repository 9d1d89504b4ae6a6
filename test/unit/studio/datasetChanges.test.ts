/** @file Tests. Data sets that the command line imports and deletes beside an open studio, and a cache.db that it makes anew: told once, and listed. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openCache } from '../../../main/data/cache.ts';
import { deleteDataset } from '../../../main/data/datasets.ts';
import { importDataset } from '../../../main/data/importDataset.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { DatasetChanges } from '../../../main/studio/datasetChanges.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { runEntail } from '../../support/runEntail.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const files = temporaryFolder();
const PAIRS = join(files, 'pairs.csv');
writePairsCsv(PAIRS, numberedPairs(60));

/** Each command starts a Node, and the machine may have other work. */
const SLOWEST_MS = 300_000;

describe('a command line beside the open studio', { timeout: SLOWEST_MS }, () => {
  let folder: string;
  let calls: HostedCalls;
  let heard: number;
  beforeEach(async () => {
    folder = temporaryFolder();
    calls = callsTo(openHosted(folder));
    heard = 0;
    expect(await names()).toEqual([]);
    await hear();
  });

  const names = async () => (await calls.ask('datasets/list', {})).map(({ name }) => name);
  const told = () => calls.events.filter(({ kind }) => kind === 'datasets').length;
  /** Waits until the studio tells of data sets again. */
  const hear = async () => {
    await until(() => told() > heard);
    heard = told();
  };
  const entail = async (...words: string[]) =>
    expect(await runEntail(words, { home: folder })).toMatchObject({ code: 0, stderr: '' });

  it('imports and deletes: both reach the pages by themselves', async () => {
    await entail('datasets', 'import', PAIRS, '--name', 'pairs');
    await hear();
    expect(await names()).toEqual(['pairs']);
    await entail('datasets', 'delete', 'pairs', '--yes');
    await hear();
    expect(await names()).toEqual([]);
  });

  it('makes a deleted cache.db anew: the studio reads the new one, and its own imports go there', async () => {
    await entail('datasets', 'import', PAIRS, '--name', 'before');
    await hear();
    for (const name of readdirSync(folder).filter((one) => one.startsWith('cache.db')))
      rmSync(join(folder, name));
    await hear();
    expect(await names()).toEqual([]);
    await entail('datasets', 'import', PAIRS, '--name', 'after');
    await hear();
    expect(await names()).toEqual(['after']);
    await calls.ended((await calls.ask('datasets/import', { path: PAIRS, name: 'own' })).job);
    expect(await names()).toEqual(['after', 'own']);
    const { stdout } = await runEntail(['datasets', 'list', '--json'], { home: folder });
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'after' }, { name: 'own' }]);
  });
});

describe('what is told', () => {
  const sides = () => {
    const { root, cacheDatabase } = dataPlaces(temporaryFolder());
    const databases = new Databases(dataPlaces(root), () => {});
    const events: StudioEvent[] = [];
    const changes = new DatasetChanges(databases, (more) => events.push(...more));
    const look = () => {
      events.length = 0;
      changes.look();
      return events.length;
    };
    return { databases, changes, look, path: cacheDatabase };
  };

  it('is nothing before anybody has asked for a data set, and nothing twice', async () => {
    const { databases, changes, look, path } = sides();
    const other = openCache(path);
    await importDataset(other, { path: PAIRS, name: 'one' });
    expect(look()).toBe(0);
    const cache = databases.cache();
    expect([look(), look()]).toEqual([1, 0]);
    await importDataset(other, { path: PAIRS, name: 'two' });
    expect([look(), look()]).toEqual([1, 0]);
    // What this process does itself is told by it, and not once more by a look.
    deleteDataset(cache, 'two');
    changes.tell();
    expect(look()).toBe(0);
    // A write that changes no data set.
    other.database.exec("UPDATE datasets SET source = 'elsewhere'");
    expect(look()).toBe(0);
    other.close();
    databases.close();
  });

  it('to a job that still reads a cache which was replaced is what has happened', () => {
    const { databases, path } = sides();
    const cache = databases.cache();
    rmSync(path);
    expect(databases.cache()).not.toBe(cache);
    expect(studioErrorOf(() => cache.guard(() => cache.database.prepare('SELECT 1').get()))).toMatchObject({
      code: 'NOT_FOUND',
      message: `The cache ${path} was deleted or replaced while it was read.`,
    });
    databases.close();
  });
});
