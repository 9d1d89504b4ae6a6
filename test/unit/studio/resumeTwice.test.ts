/**
 * @file Tests. A run that is to go on waits for its GPU, and another program has gone on with it when the GPU is free. The GPUs
 * are told by a program of ours, nothing is computed.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { claimRun, holderOf } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { claimQueued } from '../../../main/db/queue.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { stateOf } from '../../../main/db/runState.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import { openStudio } from '../../../main/studio.ts';
import type { WorkerReport } from '../../../shared/runs.ts';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { FIRST_UUID, nvidiaMachine, SECOND_UUID, seemToInstallCuda } from '../../support/nvidiaMachine.ts';
import { jsonLines } from '../../support/runEntail.ts';
import { sampleEngine, sampleResult, startedReport } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

it('the second one to resume a run does not begin it again when it is completed', async () => {
  setVariable('TMPDIR', temporaryFolder());
  const home = await homeWithPairs();
  const { stdout } = await entailHere(['queue', 'add', ...TINY_RUN, '--json'], { home });
  const run = jsonLines(stdout)[0]!['runId'] as string;
  const store = openStudioDatabase(join(home, 'studio.db'));
  const first = claimQueued(store, run, ['cuda:0']);
  const engine = { ...sampleEngine, engine: 'tensorflow' as const, device: 'cuda:0' };
  appendReports(store, run, [
    { ...startedReport(), engine },
    { kind: 'stopped', step: 5 },
  ]);
  first.release();
  seemToInstallCuda(home);
  const machine = nvidiaMachine();
  machine.setProcesses([FIRST_UUID, SECOND_UUID].map((uuid) => `${uuid}, 1, /usr/bin/python3, 2048`));

  const studio = openStudio({
    ...{ dataDirectory: home, entries: checkoutEntries(), version: '0.0.0', onNotice: () => {} },
  });
  const told: string[] = [];
  const listener = {
    onReports: (reports: readonly WorkerReport[]) =>
      void told.push(...reports.flatMap((report) => (report.kind === 'log' ? [report.text] : []))),
  };
  const resumed = studio.training.resume(run, { listener });
  resumed.catch(() => {});
  await until(() => told.some((text) => text.includes('waits for cuda:')));
  const other = claimRun(store, run, ['cuda:0']);
  appendReports(store, run, [startedReport(), { kind: 'finished', result: sampleResult }]);
  other.release();
  machine.setProcesses([]);
  await expect(resumed).rejects.toMatchObject({
    code: 'USAGE',
    message: `Run ${run} is completed; there is nothing to resume.`,
  });
  expect(stateOf(store, run)).toBe('completed');
  expect(holderOf(store, run)).toBeNull();
  studio.close();
  store.close();
});
