/** @file Tests. The disk fills up under a run with a real worker (R6): it waits, says so, goes on when there is room, and comes to the same. */
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openHosted } from '../support/hostedStudio.ts';
import { importTinyPairs, outcomeOf, StudioCalls } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Wide enough that a checkpoint takes more room than all rows beside it. */
const WIDE = { hidden: 64, epochs: 4, batchSize: 64 };
/** Less than a checkpoint, more than the rows that say that it does not fit. */
const LEFT_BYTES = 600_000;

/** A file system of its own that is mounted at a folder until the test ends; null where that is not allowed. */
function smallDisk(): string | null {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  return folder;
}

test('a run on a full disk pauses, and goes on by itself', { timeout: 120_000 }, async ({ skip }) => {
  const disk = smallDisk();
  if (disk === null) return skip('only root on Linux may mount a small disk');
  await importTinyPairs(disk);
  const studio = openHosted(disk);
  // Before the disk is taken away: last registered, first run.
  onTestFinished(() => studio.close());
  const calls = new StudioCalls(studio.dispatch);
  const expected = outcomeOf(await calls.untilState(await calls.add(WIDE), 'completed'));

  const filler = join(disk, 'filler');
  const fill = () => {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - LEFT_BYTES));
  };
  fill();
  const run = await calls.add(WIDE);
  const paused = await calls.untilState(run, 'paused');
  expect(paused.checkpoints).toEqual([]);
  expect(await calls.log(run)).toContain('The disk is full: the run waits, and goes on by itself');
  expect(await calls.ask('queue/show', {})).toMatchObject({ running: [{ run, here: true }] });
  rmSync(filler);
  const done = await calls.untilState(run, 'completed');
  expect(outcomeOf(done)).toEqual(expected);
  expect(done.error).toBeNull();
});
