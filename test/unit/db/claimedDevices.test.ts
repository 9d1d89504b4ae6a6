/** @file Tests. What a run asks for once it has been claimed: it goes on with as many devices as it began on. */
import { describe, expect, it } from 'vitest';
import { claimRun } from '../../../main/db/lease.ts';
import { devicesWishOf } from '../../../main/db/queue.ts';
import { createRun } from '../../../main/db/runs.ts';
import type { DeviceName, DevicesWish } from '../../../shared/devices.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { openStudio } from '../../support/studioFile.ts';

const GPUS: readonly DeviceName[] = ['cuda:0', 'cuda:1', 'cuda:2', 'cuda:3'];

/** What a run with this wish asks for after it was claimed with so many devices, one time after the other. */
function wishAfter(wish: DevicesWish, ...counts: readonly number[]): DevicesWish {
  const database = openStudio();
  const run = createRun(database, { config: sampleConfig(), environment: sampleEnvironment, devices: wish });
  for (const count of counts) claimRun(database, run, GPUS.slice(0, count)).release();
  return devicesWishOf(database, run);
}

describe('a claimed run asks', () => {
  it.each([
    ['for as many as it took', 'all', [4], 4],
    ['for as many as it found free', 'free', [2], 2],
    ['for as many as it began on, where there are fewer now', 'all', [4, 1], 4],
    ['for more than before, once it took more', 1, [2], 2],
    ['for what it did, where something keeps it from starting', 'all', [0], 'all'],
    ['for as many as before, where something keeps it from starting', 2, [0], 2],
    ['for those that it names', ['0', '3'], [2, 0], ['0', '3']],
  ] as const)('%s', (_, wish, counts, expected) => {
    expect(wishAfter(wish as DevicesWish, ...counts)).toEqual(expected);
  });
});
