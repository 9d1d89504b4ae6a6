/** @file Tests. The process of an import is killed under an open studio: the job says so, nothing is half there, it can be done again. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { callsTo, type HostedCalls } from '../support/hostedCalls.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { childrenOf } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

/** So many that the import goes on for seconds after it has said what it does. */
const ROWS = 150_000;
let folder: string;
let path: string;
let calls: HostedCalls;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(path, numberedPairs(ROWS));
  calls = callsTo(openHosted(folder));
});

const noteOf = async (id: string) =>
  (await calls.ask('jobs/list', {})).find((job) => job.id === id)?.note ?? '';

describe('an import whose process is killed', () => {
  it('fails in words, leaves nothing, and can be done again under its name', async () => {
    const { job } = await calls.ask('datasets/import', { path, name: 'pairs' });
    // Rows have been read and stored, or soon will be.
    await until(async () => /^(reading|splitting)/.test(await noteOf(job)));
    process.kill(childrenOf('training/dataWorker')[0]!, 'SIGKILL');
    expect(await calls.ended(job)).toMatchObject({
      state: 'failed',
      error: {
        code: 'WORKER_CRASHED',
        message: expect.stringContaining('signal SIGKILL'),
        nextStep: 'Nothing of it is left: start it again.',
      },
      outcome: { dataset: null, report: null },
    });
    expect(await calls.ask('datasets/list', {})).toEqual([]);
    const again = await calls.ask('datasets/import', { path, name: 'pairs' });
    expect(await calls.ended(again.job)).toMatchObject({ state: 'done', error: null });
    const [dataset] = await calls.ask('datasets/list', {});
    const { train, dev, test } = dataset!.rows;
    expect(train + dev + test).toBe(ROWS);
    expect(readdirSync(folder).filter((name) => /reserve|\.tmp-/.test(name))).toEqual([]);
  });
});
