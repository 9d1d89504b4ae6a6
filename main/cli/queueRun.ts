/** @file Runs under Node. `entail queue run`: trains what waits, one run after another, where no studio is open. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { errorData } from '../../shared/errors.ts';
import type { NextInQueue, QueueWork } from '../studio/queueWork.ts';
import type { StoredQueue } from '../studio/storedQueue.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, tellFailure } from './failure.ts';
import { countOf } from './figures.ts';
import { waitingText } from './queueText.ts';
import { tellEnd, watchRun } from './watchTraining.ts';

type EndKind = Exclude<NextInQueue['kind'], 'run' | 'busy'> | 'interrupted';

/** What has become of the runs that were started here. */
interface Outcomes {
  readonly completed: string[];
  readonly stopped: string[];
  readonly failed: string[];
}

const LOOK_AGAIN_MS = 1000;

const ENDINGS: Readonly<Record<EndKind, string>> = {
  empty: 'Nothing waits any more.',
  paused: 'The queue is paused; go on: npx --no entail queue resume, then queue run',
  studio: 'A studio is open on this data directory: it starts what waits.',
  interrupted: 'Ended; go on: npx --no entail queue run',
};

export function addQueueRun(parent: Command, cli: Cli): void {
  const command = describe(parent.command('run'), {
    summary: 'train what waits, one run after another, until nothing does',
    details:
      'For machines without a studio. It ends when nothing waits, when the queue is paused, or when a studio opens on\n' +
      'the same data directory, which then goes on with the queue; exit code 1 when runs have failed or were left.\n' +
      'Ctrl-C stops the run that trains in good order, with a checkpoint, and starts no other; twice ends at once.',
    examples: [
      ['queue run', 'runs may be added, moved and removed meanwhile, from another terminal'],
      ['queue run --json', 'JSON lines as of "train"; the last is {"event":"queueEnd",…}'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async (work) => {
      const { queue } = await work.studio();
      const queueWork = queue.work();
      try {
        return await workThrough(work, queue, queueWork);
      } finally {
        queueWork.release();
      }
    }),
  );
}

async function workThrough(work: Work, queue: StoredQueue, queueWork: QueueWork): Promise<number> {
  const outcomes: Outcomes = { completed: [], stopped: [], failed: [] };
  const ended = await trainWaiting(work, queueWork, outcomes);
  const waiting = queue.show().waiting.map(({ id }) => id);
  const { terminal } = work;
  for (const line of outcomeLines(outcomes)) terminal.line(line);
  terminal.line(`${waiting.length === 0 ? '' : `${waitingText(waiting.length)}. `}${ENDINGS[ended]}`);
  terminal.event('queueEnd', { ended, ...outcomes, waiting });
  if (ended === 'interrupted') return EXIT_INTERRUPTED;
  return ended === 'empty' && outcomes.failed.length === 0 ? EXIT_DONE : EXIT_FAILED;
}

function startedCount({ completed, stopped, failed }: Outcomes): number {
  return completed.length + stopped.length + failed.length;
}

/** "3 runs finished; 1 failed: r7f3k2" */
function outcomeLines(outcomes: Outcomes): string[] {
  if (startedCount(outcomes) === 0) return [];
  const { completed, stopped, failed } = outcomes;
  const others = [
    ...(stopped.length === 0 ? [] : [`${stopped.length} stopped: ${stopped.join(', ')}`]),
    ...(failed.length === 0 ? [] : [`${failed.length} failed: ${failed.join(', ')}`]),
  ];
  return ['', [`${countOf(completed.length, 'run')} finished`, ...others].join('; ')];
}

async function trainWaiting(work: Work, queueWork: QueueWork, outcomes: Outcomes): Promise<EndKind> {
  const { terminal, interruption } = work;
  let told = '';
  while (!interruption.stop.aborted) {
    const next = await queueWork.next();
    if (next.kind === 'run') await trainOne(work, queueWork, { next, outcomes });
    else if (next.kind !== 'busy') return next.kind;
    else {
      if (told !== next.run) terminal.line(`Run ${next.run} trains elsewhere; what waits starts after it.`);
      told = next.run;
      await sleep(LOOK_AGAIN_MS, undefined, { signal: interruption.stop }).catch(() => {});
    }
  }
  return 'interrupted';
}

async function trainOne(
  work: Work,
  queueWork: QueueWork,
  { next, outcomes }: { next: Extract<NextInQueue, { kind: 'run' }>; outcomes: Outcomes },
): Promise<void> {
  const { id, epochs } = next;
  if (startedCount(outcomes) > 0) work.terminal.line();
  try {
    const watched = await watchRun(work, { epochs }, (listener) =>
      queueWork.launch(id, listener, work.interruption.stop),
    );
    const { end, device } = watched;
    // Ctrl-C while it waited for room on the disk: it waits as before.
    if (end.outcome === 'stopped' && queueWork.stateOf(id) === 'queued') return;
    tellEnd(work, watched);
    if (end.outcome === 'stopped') outcomes.stopped.push(id);
    else {
      outcomes.completed.push(id);
      work.terminal.event('result', { runId: id, ...end.result, device });
    }
  } catch (thrown) {
    takeFailure(work, queueWork, { id, thrown, outcomes });
  }
}

/** What ended one run does not end the others, unless it was this person, or the queue itself cannot be worked on. */
function takeFailure(
  { terminal, interruption }: Work,
  queueWork: QueueWork,
  { id, thrown, outcomes }: { id: string; thrown: unknown; outcomes: Outcomes },
): void {
  const state = queueWork.stateOf(id);
  // Ctrl-C before it had begun: it waits as before.
  if (interruption.stop.aborted && state === 'queued') return;
  if (interruption.stop.aborted || state === 'queued') throw thrown;
  // Taken out, or started by another process, between looking and starting.
  if (state !== 'failed' && state !== 'interrupted') return;
  tellFailure(terminal, thrown);
  outcomes.failed.push(id);
  if (state === 'failed') queueWork.failed(id, errorData(thrown).message);
}
