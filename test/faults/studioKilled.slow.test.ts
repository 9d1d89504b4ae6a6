/** @file Tests. A process that writes to studio.db is killed at random moments (R1): whole flushes or nothing. */
import { expect, test } from 'vitest';
import { interruptOrphans } from '../../main/db/lease.ts';
import { findRun, listRuns } from '../../main/db/runs.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { openStudio, studioPath } from '../support/studioFile.ts';
import { expectWholeFlushes, kill, runOf, startWriter } from '../support/studioWriters.ts';

const KILLS = 20;

test(`at least ${KILLS} kills of a writer leave a sound file and whole flushes`, async () => {
  const path = studioPath();
  const random = seededRandom(1);
  const before = new Map<string, number>();
  let stored = 0;
  // Where disk or processor are slow, many die before their first flush: then it takes more of them.
  for (let round = 0; round < KILLS || stored <= KILLS; round++) {
    const writer = startWriter(path);
    const runId = await runOf(writer);
    await new Promise((resolve) => setTimeout(resolve, 150 * random()));
    await kill(writer);
    const database = openStudio(path);
    expect(database.notices).toEqual([]);
    expect(database.connection.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(interruptOrphans(database)).toEqual([runId]);
    expect(findRun(database, runId).state).toBe('interrupted');
    before.set(runId, expectWholeFlushes(database, runId));
    stored += before.get(runId)!;
    database.close();
  }
  const database = openStudio(path);
  for (const [runId, flushes] of before) expect(expectWholeFlushes(database, runId)).toBe(flushes);
});

test(`${KILLS} kills while a new file is being made leave something that can be opened`, async () => {
  const random = seededRandom(2);
  for (let round = 0; round < KILLS; round++) {
    const path = studioPath();
    const writer = startWriter(path, 1);
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    // From before its first statement to after its last: starting takes most of this time.
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 150 + 200 * random()))]);
    await kill(writer);
    const database = openStudio(path);
    expect(database.notices).toEqual([]);
    for (const run of listRuns(database)) expect(expectWholeFlushes(database, run.id)).toBeLessThanOrEqual(1);
    database.close();
  }
});
