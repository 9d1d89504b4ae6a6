/** @file Tests. Runs that are killed at random moments of their training and go on, held against one that nobody disturbed. */
import { expect } from 'vitest';
import type { WorkerReport } from '../../shared/runs.ts';
import { lossesOf, type PreparedRun, train, weightsOf } from './trainedRun.ts';

/**
 * Fails unless runs that are killed so many times in all come to the same bits as the whole one: losses, weights and
 * moments. A run that is done before its next kill, as where the machine has become quicker since the whole one was
 * measured, counts as well as any other: a fresh one takes the kills that are left.
 */
export async function expectSameThroughKills(
  prepare: () => Promise<PreparedRun>,
  kills: number,
): Promise<void> {
  const whole = await prepare();
  let startedMs = 0;
  const reference = train(whole, {
    onReport: ({ kind }) => {
      if (kind === 'started') startedMs = performance.now();
    },
  });
  expect(await reference.done).toMatchObject({ outcome: 'finished' });
  // A tenth of the run at most, for ten kills, so that all fit in: steps, checkpoints and evaluations are all hit.
  const longestDelayMs = (performance.now() - startedMs) / kills;
  for (let hits = 0; hits < kills; ) {
    const broken = await prepare();
    const attempts: (readonly WorkerReport[])[] = [];
    while (true) {
      const delayMs = Math.random() * longestDelayMs;
      const isToBeKilled = hits < kills;
      const attempt = train(broken, {
        resume: attempts.length > 0,
        onReport: (report, training) => {
          if (isToBeKilled && report.kind === 'started') setTimeout(() => training.kill(), delayMs);
        },
      });
      const ended = await attempt.done;
      attempts.push(attempt.reports);
      if (ended.outcome === 'finished') break;
      expect(ended, `killed after ${delayMs.toFixed(0)} ms`).toMatchObject({
        error: { code: 'INTERRUPTED' },
      });
      hits++;
    }
    expect(lossesOf(attempts)).toEqual(lossesOf([reference.reports]));
    expect(weightsOf(broken)).toEqual(weightsOf(whole));
  }
}
