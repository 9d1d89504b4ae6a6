/** @file Tests. Deleting runs: time to think again, then gone; nothing of a run that is worked on. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimRun } from '../../../main/db/lease.ts';
import { createRun, listRuns } from '../../../main/db/runs.ts';
import type { Databases } from '../../../main/studio/databases.ts';
import { Deletions } from '../../../main/studio/deletions.ts';
import { RunIndex } from '../../../main/studio/runIndex.ts';
import { RunService } from '../../../main/studio/runs.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import { freshDatabases } from '../../support/predictedRun.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { until } from '../../support/until.ts';

let databases: Databases;
let runIndex: RunIndex;
let events: StudioEvent[];

beforeEach(() => {
  databases = freshDatabases();
  runIndex = new RunIndex(databases);
  events = [];
});
afterEach(() => databases.close());

function deletions(undoMs: number): Deletions {
  const publish = (some: readonly StudioEvent[]) => void events.push(...some);
  return new Deletions({ ...{ databases, runIndex, publish, undoMs }, runs: new RunService(databases) });
}

/** A run that nobody works on, with a folder. */
function freeRun(): string {
  const run = createRun(databases.store(), { config: sampleConfig(), environment: sampleEnvironment });
  claimRun(databases.store(), run).release();
  mkdirSync(folderOf(run), { recursive: true });
  return run;
}

const folderOf = (run: string) => join(databases.places.runs, run);
const stored = () => listRuns(databases.store()).map(({ id }) => id);

it('takes a run from the table at once, and from the disk when the time is over', async () => {
  const [run, other] = [freeRun(), freeRun()];
  const service = deletions(30);
  service.delete([run]);
  expect(runIndex.table().ids).toEqual([other]);
  expect(events).toEqual([{ kind: 'runsDeleted', ids: [run] }]);
  await until(() => !stored().includes(run));
  expect(existsSync(folderOf(run))).toBe(false);
  expect(runIndex.table().ids).toEqual([other]);
  expect(studioErrorOf(() => service.restore([run])).code).toBe('NOT_FOUND');
});

it('leaves everything as it was when the time is not over: taken back, or ended by a crash', () => {
  const [run, other] = [freeRun(), freeRun()];
  const service = deletions(60_000);
  service.delete([run, other]);
  service.restore([run]);
  expect(runIndex.table().ids).toEqual([run]);
  expect(events.at(-1)).toEqual({ kind: 'runs', ids: [run] });
  // What a studio that was killed leaves is what is stored now.
  expect(stored()).toEqual([other, run]);
  expect(existsSync(folderOf(other))).toBe(true);
  service.close();
  expect(stored()).toEqual([run]);
});

it('deletes none of several when one of them is worked on', () => {
  const run = freeRun();
  const busy = createRun(databases.store(), { config: sampleConfig(), environment: sampleEnvironment });
  const lease = claimRun(databases.store(), busy);
  const service = deletions(60_000);
  const refused = studioErrorOf(() => service.delete([run, busy]));
  expect(refused).toMatchObject({ code: 'LOCKED', nextStep: 'Stop it first.' });
  expect(refused.message).toContain(`process ${process.pid}`);
  service.close();
  expect(stored()).toEqual([busy, run]);
  lease.release();
});

it('keeps a run, and says so, when somebody has begun to work on it meanwhile', () => {
  const run = freeRun();
  const service = deletions(60_000);
  service.delete([run]);
  const lease = claimRun(databases.store(), run);
  service.close();
  expect(stored()).toEqual([run]);
  expect(runIndex.table().ids).toEqual([run]);
  expect(events.at(-1)).toMatchObject({
    kind: 'notice',
    text: expect.stringContaining('could not be deleted'),
  });
  lease.release();
});
