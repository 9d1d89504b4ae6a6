/** @file Tests. Imports as jobs in a process of their own: progress, outcome, cancel, failure, and nothing left of what failed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { lockCache, openCache } from '../../../main/data/cache.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import type { Job } from '../../../shared/contract/jobs.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const files = temporaryFolder();
const folder = temporaryFolder();
const LARGE = join(files, 'large.csv');
/** Long enough to be cancelled in the middle, by whom a busy machine has kept waiting for seconds. */
const HUGE = join(files, 'huge.csv');
const SMALL = join(files, 'small.csv');
let calls: HostedCalls;

beforeAll(() => {
  writePairsCsv(LARGE, numberedPairs(30_000));
  writePairsCsv(HUGE, numberedPairs(300_000));
  writePairsCsv(SMALL, numberedPairs(60));
  calls = callsTo(openHosted(folder));
});

const statesOf = (job: string, { events }: HostedCalls): Job[] =>
  events.flatMap((event) => (event.kind === 'job' && event.job.id === job ? [event.job] : []));
const names = async ({ ask }: HostedCalls) => (await ask('datasets/list', {})).map(({ name }) => name);

describe('an import', () => {
  it('leaves a data set with its report', async () => {
    const { job } = await calls.ask('datasets/import', { path: LARGE, name: 'large', splitSeed: 3 });
    // It is listed before it has begun, so that a page that asks at once finds it.
    expect((await calls.ask('jobs/list', {}))[0]).toMatchObject({
      ...{ id: job, title: 'Import large.csv as large', state: 'running', error: null },
      outcome: { kind: 'importDataset', dataset: null, report: null },
    });
    const done = await calls.ended(job);
    expect(done).toMatchObject({ state: 'done', fraction: 1, note: '', etaSeconds: null, error: null });
    const dataset = await calls.ask('datasets/show', { name: 'large' });
    expect(done.outcome).toEqual({ kind: 'importDataset', dataset: 'large', report: dataset.report });
    expect(dataset).toMatchObject({
      usedBy: [],
      report: { madeSplits: { seed: 3 }, rejected: [] },
    });
    expect(dataset.exampleBytes).toBeGreaterThan(30_000);
    await until(() => statesOf(job, calls).at(-1)?.state === 'done');
    const fractions = statesOf(job, calls).flatMap(({ fraction }) => fraction ?? []);
    expect(fractions).toEqual(fractions.toSorted((one, other) => one - other));
    expect(calls.events.some(({ kind }) => kind === 'datasets')).toBe(true);
  });

  it('beside another one, under a name that is taken, or of a missing file fails with what to do', async () => {
    const endOf = async (path: string, name: string) =>
      await calls.ended((await calls.ask('datasets/import', { path, name })).job);
    // Another program writes to the same data.
    const cache = openCache(dataPlaces(folder).cacheDatabase);
    const lock = lockCache(cache, 'importing something else');
    expect(await endOf(SMALL, 'small')).toMatchObject({ state: 'failed', error: { code: 'LOCKED' } });
    lock.release();
    cache.close();
    expect(await endOf(SMALL, 'large')).toMatchObject({ state: 'failed', error: { code: 'ALREADY_EXISTS' } });
    expect(await endOf(join(files, 'none.csv'), 'n')).toMatchObject({
      ...{ state: 'failed', error: { code: 'NOT_FOUND' } },
      outcome: { dataset: null, report: null },
    });
  });

  it('of a file with too many bad rows fails with the report of what it saw', async () => {
    const path = join(files, 'bad.csv');
    const rows = Array.from({ length: 2000 }, (_, at) => (at % 3 === 0 ? 'too,few' : `a ${at},b,${at % 2}`));
    writeFileSync(path, `premise,hypothesis,label\n${rows.join('\n')}\n`);
    const { job } = await calls.ask('datasets/import', { path, name: 'bad' });
    const failed = await calls.ended(job);
    expect(failed).toMatchObject({
      ...{ state: 'failed', error: { code: 'TOO_MANY_BAD_ROWS', place: { line: 2 } } },
      outcome: { dataset: null, report: { rejected: [{ reason: 'wrong column count' }] } },
    });
    expect(await names(calls)).not.toContain('bad');
  });

  it('tells how far it is; one that is cancelled leaves nothing, and its name can be used at once', async () => {
    const { job } = await calls.ask('datasets/import', { path: HUGE, name: 'again' });
    const isUnderWay = ({ fraction, note }: Job) =>
      fraction !== null && fraction > 0 && fraction < 1 && /^reading, [\d,]+ rows$/.test(note);
    await until(() => statesOf(job, calls).some(isUnderWay));
    await calls.ask('jobs/cancel', { id: job });
    expect(await calls.ended(job)).toMatchObject({ state: 'cancelled', error: null });
    expect(await names(calls)).not.toContain('again');
    const { job: second } = await calls.ask('datasets/import', { path: SMALL, name: 'again' });
    expect(await calls.ended(second)).toMatchObject({ state: 'done' });
    // Of what has ended nothing is left to cancel, and of what never was neither.
    await calls.ask('jobs/cancel', { id: job });
    expect((await calls.refusal('jobs/cancel', { id: 'none' })).code).toBe('NOT_FOUND');
    expect(await calls.ended(job)).toMatchObject({ state: 'cancelled' });
  });

  it('ends with the studio, and the next one finds nothing of it', async () => {
    const other = temporaryFolder();
    const studio = openHosted(other);
    const own = callsTo(studio);
    const { job } = await own.ask('datasets/import', { path: HUGE, name: 'cut' });
    await until(
      async () => ((await own.ask('jobs/list', {})).find(({ id }) => id === job)?.fraction ?? 0) > 0,
    );
    await studio.close();
    const next = callsTo(openHosted(other));
    expect(await names(next)).toEqual([]);
    expect(await next.ask('jobs/list', {})).toEqual([]);
    expect((await next.ask('app/info', {})).empty).toBe(true);
  });
});

it('the sample is imported once: a second wish is done at once', async () => {
  const first = await calls.ended((await calls.ask('datasets/importSample', {})).job);
  expect(first).toMatchObject({ state: 'done', outcome: { dataset: 'sample' } });
  const second = await calls.ended((await calls.ask('datasets/importSample', {})).job);
  expect(second.outcome).toEqual(first.outcome);
  expect((await names(calls)).filter((name) => name === 'sample')).toEqual(['sample']);
});
