/**
 * @file Runs in training workers. A worker that follows another one: it makes every step that the leader says, from the same
 * weights, and neither evaluates nor saves.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WorkerReport } from '../../../shared/runs.ts';
import type { CrewPlace, TrainingJob } from '../jobs.ts';
import { type OpeningLinks, openRun } from '../openRun.ts';
import { resumeWith, withSmallerMicroBatch } from '../outOfMemory.ts';
import { requireSameWeights } from './sameWeights.ts';

/** Settles when the leader has told that all is done. */
export async function followTraining(
  job: TrainingJob & { readonly crew: CrewPlace },
  { notice, beat }: Pick<OpeningLinks, 'notice' | 'beat'>,
): Promise<void> {
  // How the run begins is told by the leader.
  const report = (_: WorkerReport) => {};
  const { work, crew, keepUp } = await openRun(job, { report, notice, beat });
  const { exchange, waiting } = crew!;
  const between = async () => {
    beat();
    await keepUp();
    beat();
    await nextTurn();
  };
  try {
    while (true) {
      const order = await exchange.hear(waiting);
      if (order.kind === 'end') return;
      if (order.kind === 'compare')
        await requireSameWeights(exchange, work.network, { devices: job.crew.devices, waiting });
      else (await work.trainStep(order.place, between)).dispose();
    }
  } catch (thrown) {
    throw withSmallerMicroBatch(thrown, {
      microBatchTokens: work.largestMicroBatch,
      how: resumeWith(job),
    });
  } finally {
    exchange.close();
    work.network.dispose();
  }
}
