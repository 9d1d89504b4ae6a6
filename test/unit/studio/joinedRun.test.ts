/**
 * @file Tests. A run of the command line that joined a studio's queue, after the studio has closed, while its GPU is in use. The
 * GPUs are told by a program of ours, nothing is computed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StudioDatabase } from '../../../main/db/connection.ts';
import { claimRun } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { claimQueued } from '../../../main/db/queue.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { stateOf } from '../../../main/db/runState.ts';
import { createRun } from '../../../main/db/runs.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import type { RunningTraining } from '../../../main/studio/attempt.ts';
import { openStudio } from '../../../main/studio.ts';
import type { WorkerReport } from '../../../shared/runs.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { FIRST_UUID, nvidiaMachine, SECOND_UUID, seemToInstallCuda } from '../../support/nvidiaMachine.ts';
import {
  sampleConfig,
  sampleEngine,
  sampleEnvironment,
  sampleResult,
  startedReport,
} from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

let store: StudioDatabase;
let run: string;
let running: RunningTraining;

/** It was trained with the engine of that machine's GPUs, which its configuration leaves open. */
function stoppedRun(home: string): string {
  const id = createRun(store, { config: sampleConfig(), environment: sampleEnvironment });
  const lease = claimRun(store, id);
  const engine = { ...sampleEngine, engine: 'tensorflow' as const, device: 'cuda:0' };
  appendReports(store, id, [
    { ...startedReport(), engine },
    { kind: 'stopped', step: 5 },
  ]);
  lease.release();
  // A run without its folder cannot go on.
  mkdirSync(join(home, 'runs', id), { recursive: true });
  writeFileSync(join(home, 'runs', id, 'vocab.json'), '{}');
  return id;
}

beforeEach(async () => {
  setVariable('TMPDIR', temporaryFolder());
  const home = temporaryFolder();
  seemToInstallCuda(home);
  nvidiaMachine().setProcesses([
    `${FIRST_UUID}, 1, /usr/bin/python3, 2048`,
    `${SECOND_UUID}, 1, /usr/bin/python3, 2048`,
  ]);
  store = openStudioDatabase(join(home, 'studio.db'));
  run = stoppedRun(home);
  const studio = openHosted(home);
  await studio.dispatch('queue/pause', { paused: true });
  const commandLine = openStudio({
    ...{ dataDirectory: home, entries: checkoutEntries(), version: '0.0.0', onNotice: () => {} },
  });
  const told: string[] = [];
  const listener = {
    onReports: (reports: readonly WorkerReport[]) =>
      void told.push(...reports.flatMap((report) => (report.kind === 'log' ? [report.text] : []))),
  };
  running = await commandLine.training.resume(run, { listener });
  // A rejection is looked at where the test expects it.
  running.done.catch(() => {});
  await studio.close();
  await until(() => told.some((text) => text.includes('waits for cuda:0')));
  return () => {
    commandLine.close();
    store.close();
  };
});

describe('a run that waits for the GPU it was trained on', () => {
  it('is taken out of the queue by Ctrl-C, and is what it was', async () => {
    running.stop();
    await expect(running.done).rejects.toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('taken out of the queue before it began'),
    });
    expect(stateOf(store, run)).toBe('stopped');
  });

  it('is followed again when another program starts it', async () => {
    const lease = claimQueued(store, run, ['cuda:0']);
    appendReports(store, run, [startedReport(), { kind: 'finished', result: sampleResult }]);
    lease.release();
    expect(await running.done).toEqual({ outcome: 'finished', result: sampleResult });
  });
});
