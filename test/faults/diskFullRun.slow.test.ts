/** @file Tests. The disk fills up under a run with a real worker (R6), or before it begins: it waits, says so, goes on when there is room, and comes to the same. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHosted } from '../support/hostedStudio.ts';
import { runEntail } from '../support/runEntail.ts';
import { type SmallDisk, smallDisk } from '../support/smallDisk.ts';
import { importTinyPairs, outcomeOf, StudioCalls } from '../support/studioCalls.ts';
import { until } from '../support/until.ts';

const DISK_MB = 32;
/** Wide enough that a checkpoint takes more room than all rows beside it. */
const WIDE = { hidden: 64, epochs: 4, batchSize: 64 };
/** Less than a checkpoint or encoded pairs with their reserve, more than the rows that say that these do not fit. */
const LEFT_BYTES = 600_000;
const NO_MOUNT = 'only root on Linux may mount a small disk';

async function diskWithPairs(): Promise<SmallDisk | null> {
  const disk = smallDisk(DISK_MB);
  if (disk !== null) await importTinyPairs(disk.folder);
  return disk;
}

function callsOn(disk: SmallDisk) {
  const studio = openHosted(disk.folder);
  // Before the disk is taken away: last registered, first run.
  onTestFinished(() => studio.close());
  return { studio, calls: new StudioCalls(studio.dispatch) };
}

test('a run on a full disk pauses, and goes on by itself', async ({ skip }) => {
  const disk = await diskWithPairs();
  if (disk === null) return skip(NO_MOUNT);
  const { calls } = callsOn(disk);
  const expected = outcomeOf(await calls.untilState(await calls.add(WIDE), 'completed'));
  disk.fill(LEFT_BYTES);
  const run = await calls.add(WIDE);
  const paused = await calls.untilState(run, 'paused');
  expect(paused.checkpoints).toEqual([]);
  expect(paused.error).toMatchObject({ code: 'DISK_FULL' });
  expect(await calls.log(run)).toContain('The disk is full: the run waits, and goes on by itself');
  expect((await calls.ask('queue/show', {})).running).toMatchObject([
    { run, here: true, waitsFor: { code: 'DISK_FULL' } },
  ]);
  disk.empty();
  const done = await calls.untilState(run, 'completed');
  expect(outcomeOf(done)).toEqual(expected);
  expect(done.error).toBeNull();
});

describe('a run whose pairs cannot be encoded because the disk is full', () => {
  test('waits, says so in the queue and of itself, and begins by itself', async ({ skip }) => {
    const disk = await diskWithPairs();
    if (disk === null) return skip(NO_MOUNT);
    const { studio, calls } = callsOn(disk);
    const told: object[] = [];
    studio.events.subscribe(null, ({ events }) => {
      for (const event of events) if (event.kind === 'queue') told.push(event.queue.running);
    });
    disk.fill(LEFT_BYTES);
    const run = await calls.add();
    const next = await calls.add({ seed: 1 });
    const paused = await calls.untilState(run, 'paused');
    expect(paused.error).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/^There is no room left for the cache /),
      nextStep: expect.stringMatching(/^Make room on that disk/),
    });
    expect(await calls.log(run)).toContain('The disk is full: the run waits, and begins by itself');
    const waits = [{ run, devices: ['cpu'], here: true, waitsFor: paused.error }];
    expect(await calls.ask('queue/show', {})).toMatchObject({ running: waits, waiting: [{ id: next }] });
    await until(() => told.some((running) => JSON.stringify(running) === JSON.stringify(waits)));
    disk.empty();
    expect(await calls.untilState(run, 'completed', 'failed')).toMatchObject({
      ...{ state: 'completed', error: null },
    });
    expect((await calls.untilState(next, 'completed', 'failed')).state).toBe('completed');
    await until(() => JSON.stringify(told.at(-1)) === '[]');
  });

  test('is stopped as one that trains, and goes on when it is resumed', async ({ skip }) => {
    const disk = await diskWithPairs();
    if (disk === null) return skip(NO_MOUNT);
    const { calls } = callsOn(disk);
    disk.fill(LEFT_BYTES);
    const run = await calls.add();
    await calls.untilState(run, 'paused');
    await calls.ask('runs/stop', { run, how: 'keep' });
    await calls.untilState(run, 'stopped');
    expect((await calls.ask('queue/show', {})).running).toEqual([]);
    disk.empty();
    await calls.ask('runs/resume', { run });
    await calls.untilState(run, 'completed');
  });

  test('waits in the queue again when its studio closes, and on the command line as there', async ({
    skip,
  }) => {
    const disk = await diskWithPairs();
    if (disk === null) return skip(NO_MOUNT);
    const first = callsOn(disk);
    disk.fill(LEFT_BYTES);
    const run = await first.calls.add();
    await first.calls.untilState(run, 'paused');
    await first.studio.close();
    const home = disk.folder;
    const { stdout: listed } = await runEntail(['queue', 'list', '--json'], { home });
    expect(JSON.parse(listed)).toMatchObject({ running: [], waiting: [{ id: run, resumes: false }] });
    const shown: Promise<string>[] = [];
    const { code, stdout } = await runEntail(['queue', 'run'], {
      home,
      onOutput: (text) => {
        if (shown.length > 0 || !text.includes('The disk is full: the run waits')) return;
        const list = async () => (await runEntail(['queue', 'list'], { home })).stdout;
        shown.push(list().finally(() => disk.empty()));
      },
    });
    expect(code).toBe(0);
    expect(stdout).toContain('1 run finished');
    expect(await shown[0]).toContain('paused, waits for room on the disk');
  });
});
