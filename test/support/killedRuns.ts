/** @file Tests. Runs that are killed at random moments of their training and go on, held against one that nobody disturbed. */
import { expect } from 'vitest';
import type { TrainingOutcome } from '../../main/training/supervisor.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { lossesOf, type PreparedRun, train, weightsOf } from './trainedRun.ts';

/**
 * Fails unless runs that are killed so many times in all come to the same bits as the whole one: losses, weights and
 * moments. A run that is done before its next kill, as where the machine has become quicker since a training was timed,
 * counts as well as any other: a fresh one takes the kills that are left.
 */
export async function expectSameThroughKills(
  prepare: () => Promise<PreparedRun>,
  kills: number,
): Promise<void> {
  const whole = await prepare();
  const reference = await attempt(whole, { resume: false, killAfterMs: null });
  expect(reference.ended).toMatchObject({ outcome: 'finished' });
  let { trainingMs } = reference;
  for (let hits = 0; hits < kills; ) {
    const broken = await prepare();
    const attempts: (readonly WorkerReport[])[] = [];
    while (true) {
      // A tenth of the run at most, for ten kills, so that all fit in: steps, checkpoints and evaluations are all hit.
      const killAfterMs = hits < kills ? (Math.random() * trainingMs) / kills : null;
      const last = await attempt(broken, { resume: attempts.length > 0, killAfterMs });
      attempts.push(last.reports);
      if (last.ended.outcome === 'finished') {
        if (attempts.length === 1) trainingMs = Math.min(trainingMs, last.trainingMs);
        break;
      }
      expect(last.ended, `killed after ${killAfterMs?.toFixed(0)} ms`).toMatchObject({
        error: { code: 'INTERRUPTED' },
      });
      hits++;
    }
    expect(lossesOf(attempts)).toEqual(lossesOf([reference.reports]));
    expect(weightsOf(broken)).toEqual(weightsOf(whole));
  }
}

interface Attempt {
  readonly ended: TrainingOutcome;
  readonly reports: readonly WorkerReport[];
  /** From its first step to its end. */
  readonly trainingMs: number;
}

async function attempt(
  run: PreparedRun,
  { resume, killAfterMs }: { readonly resume: boolean; readonly killAfterMs: number | null },
): Promise<Attempt> {
  let startedMs = 0;
  const { done, reports } = train(run, {
    resume,
    onReport: ({ kind }, training) => {
      if (kind !== 'started') return;
      startedMs = performance.now();
      if (killAfterMs !== null) setTimeout(() => training.kill(), killAfterMs);
    },
  });
  const ended = await done;
  return { ended, reports, trainingMs: performance.now() - startedMs };
}
