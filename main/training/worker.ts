/** @file Entry "training": the process that trains one run and reports to its supervisor. */
import type { WorkerReport } from '../../shared/runs.ts';
import { checkoutEntries } from '../entries.ts';
import { openChildPort } from './childPort.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { TrainingOrder } from './jobs.ts';
import { runTraining } from './trainingRun.ts';

/** Reports after which nothing follows. */
const LAST: ReadonlySet<WorkerReport['kind']> = new Set(['finished', 'stopped', 'failed']);

function main(): void {
  let stopRequested = false;
  const port = openChildPort<TrainingOrder, WorkerReport>(
    async (order, { answer, end }) => {
      if (order.kind === 'stop') {
        stopRequested = true;
        answer({ kind: 'stopping' });
        return;
      }
      const heartbeat = startHeartbeat(checkoutEntries().path('heartbeat'));
      await runTraining(order.job, {
        report: (report) => (LAST.has(report.kind) ? end(report) : answer(report)),
        beat: () => heartbeat.beat(),
        stopRequested: () => stopRequested,
      });
    },
    (error) => ({ kind: 'failed', error }),
  );
  port.answer({ kind: 'ready', pid: process.pid });
}

if (process.send !== undefined) main();
