/** @file Tests. Runs of the queue that do not get as far as to begin, and are no failures: they wait as before. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { holderOf } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { placeAt, waitingRuns } from '../../../main/db/queue.ts';
import { stateOf } from '../../../main/db/runState.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import { hostStudio, openStudio } from '../../../main/studio.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import { PROCESSOR } from '../../../shared/devices.ts';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { plainPlatform } from '../../support/hostedStudio.ts';
import { jsonLines } from '../../support/runEntail.ts';
import { until } from '../../support/until.ts';

const parts = (dataDirectory: string) => ({ dataDirectory, entries: checkoutEntries(), version: '0.0.0' });

async function add(home: string): Promise<string> {
  const { stdout } = await entailHere(['queue', 'add', ...TINY_RUN, '--json'], { home });
  return jsonLines(stdout)[0]!['runId'] as string;
}

it('because it cannot be claimed waits, is no failure to anybody, and starts when it can', async () => {
  const home = await homeWithPairs();
  const run = await add(home);
  rmSync(join(home, 'runs', run, 'vocab.json'));
  const other = openStudioDatabase(join(home, 'studio.db'));
  other.connection.exec(
    `CREATE TRIGGER refuse BEFORE UPDATE OF state ON runs WHEN NEW.state = 'preparing'
     BEGIN SELECT RAISE(ABORT, 'as on a full disk'); END`,
  );
  const notified: string[] = [];
  const platform = { ...plainPlatform, notify: ({ run: told }: { run: string }) => void notified.push(told) };
  const studio = hostStudio({ ...parts(home), platform });
  const told: StudioEvent[] = [];
  studio.events.subscribe(null, ({ events }) => told.push(...events));
  studio.announce({ host: 'headless', url: null });
  await until(() => told.some((event) => event.kind === 'notice' && event.id === 'queue'));
  expect(stateOf(other, run)).toBe('queued');
  expect(notified).toEqual([]);
  expect(await studio.dispatch('queue/show', {})).toMatchObject({ value: { paused: false, running: [] } });
  other.connection.exec('DROP TRIGGER refuse');
  await until(() => stateOf(other, run) === 'failed');
  await until(() => notified.length > 0);
  expect(notified).toEqual([run]);
  // What kept it is over, and pages are told.
  const notices = () => told.flatMap((event) => (event.kind === 'notice' ? [event] : []));
  await until(() => notices().at(-1)?.text === '');
  other.close();
  await studio.close();
});

it('because its start was cancelled waits at its place', async () => {
  const home = await homeWithPairs();
  const runs = [await add(home), await add(home)];
  const studio = openStudio({ ...parts(home), onNotice: () => {} });
  const other = openStudioDatabase(join(home, 'studio.db'));
  const links = { listener: { onReports: () => {} }, signal: AbortSignal.abort() };
  const launched = studio.training.launch(runs[0]!, [PROCESSOR], links);
  await expect(launched).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(waitingRuns(other).map(({ id }) => id)).toEqual(runs);
  expect(holderOf(other, runs[0]!)).toBeNull();
  expect(placeAt(other, 'front')).toBe(-1);
  other.close();
  studio.close();
});

it('which fails where its failure cannot be stored is given up all the same', async () => {
  const home = await homeWithPairs();
  const run = await add(home);
  rmSync(join(home, 'runs', run, 'vocab.json'));
  const other = openStudioDatabase(join(home, 'studio.db'));
  other.connection.exec(
    `CREATE TRIGGER refuse BEFORE UPDATE OF state ON runs WHEN NEW.state = 'failed'
     BEGIN SELECT RAISE(ABORT, 'as on a full disk'); END`,
  );
  const studio = openStudio({ ...parts(home), onNotice: () => {} });
  const launched = studio.training.launch(run, [PROCESSOR], { listener: { onReports: () => {} } });
  await expect(launched).rejects.toThrow();
  expect(holderOf(other, run)).toBeNull();
  other.close();
  studio.close();
});
