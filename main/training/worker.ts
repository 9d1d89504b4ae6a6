/** @file Entry "training": the process that trains one run and reports to its supervisor. */
import type { WorkerReport } from '../../shared/runs.ts';
import { entriesHere } from '../entries.ts';
import { isChildProcess, openChildPort } from './childPort.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { Followed, HandOver, ProbeAnswer, TrainingOrder } from './jobs.ts';
import type { RunWishes } from './loopParts.ts';
import { followTraining } from './parallel/follower.ts';
import { runProbe } from './probe.ts';
import { runTraining } from './trainingRun.ts';

/** Reports after which nothing follows. */
const LAST: ReadonlySet<WorkerReport['kind']> = new Set(['finished', 'stopped', 'failed']);

/** What a person wishes of the run while it goes on. */
class Wishes implements RunWishes {
  stop = false;
  keep = false;
  pause = false;
  #paused = false;

  /** @returns the acknowledgement. */
  take(order: Extract<TrainingOrder, { kind: 'stop' | 'pause' | 'continue' }>): WorkerReport | null {
    if (order.kind === 'stop') {
      this.stop = true;
      this.keep = order.keep;
      return { kind: 'stopping' };
    }
    // A pause that is taken back before the loop has heard of it is never told by the loop.
    const takenBack = order.kind === 'continue' && this.pause && !this.#paused;
    this.pause = order.kind === 'pause';
    if (takenBack) return { kind: 'continued' };
    return this.pause ? { kind: 'pausing' } : null;
  }

  /** Notes what the loop tells of its pauses. */
  note({ kind }: WorkerReport): void {
    if (kind === 'paused' || kind === 'continued') this.#paused = kind === 'paused';
  }
}

function main(): void {
  const wishes = new Wishes();
  const handedOver: (() => void)[] = [];
  const port = openChildPort<TrainingOrder, WorkerReport | ProbeAnswer | HandOver | Followed>(
    async (order, { answer, end }) => {
      if (order.kind === 'handedOver') {
        handedOver.shift()?.();
        return;
      }
      if (order.kind !== 'start' && order.kind !== 'probe') {
        const acknowledgement = wishes.take(order);
        if (acknowledgement !== null) answer(acknowledgement);
        return;
      }
      const heartbeat = startHeartbeat(entriesHere().path('heartbeat'));
      if (order.kind === 'probe') {
        const onProgress = (fraction: number) => answer({ kind: 'probing', fraction });
        const onNotice = (text: string) => answer({ kind: 'notice', text });
        const figures = await runProbe(order.job, { beat: () => heartbeat.beat(), onProgress, onNotice });
        end({ kind: 'probed', figures });
        return;
      }
      const { job } = order;
      if (job.crew !== undefined && job.crew.rank > 0) {
        await followTraining(
          { ...job, crew: job.crew },
          {
            notice: (text) => answer({ kind: 'log', level: 'warning', text }),
            beat: () => heartbeat.beat(),
          },
        );
        end({ kind: 'followed' });
        return;
      }
      await runTraining(job, {
        report: (report) => {
          wishes.note(report);
          if (LAST.has(report.kind)) end(report);
          else answer(report);
        },
        beat: () => heartbeat.beat(),
        wishes,
        handOver: () =>
          new Promise((resolve) => {
            handedOver.push(resolve);
            answer({ kind: 'handOver' });
          }),
      });
    },
    (error) => ({ kind: 'failed', error }),
  );
  port.answer({ kind: 'ready', pid: process.pid });
}

if (isChildProcess()) main();
