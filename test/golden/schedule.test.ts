/** @file Runs in tests. Learning rate schedules against the golden ones. */
import { describe, expect, it } from 'vitest';
import { scheduleFactor } from '../../main/training/schedule.ts';
import { readFixture } from './fixtures.ts';

const { cases } = readFixture('schedule.json');

describe('learning rate schedule', () => {
  it.each(cases)('$schedule, warm-up $warmup of $totalSteps steps', (one) => {
    for (const [at, step] of one.steps.entries())
      expect(scheduleFactor(one, step, one.totalSteps), `step ${step}`).toBeCloseTo(one.multipliers[at]!, 14);
  });
});
