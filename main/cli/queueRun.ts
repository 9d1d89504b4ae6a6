/** @file Runs under Node. `entail queue run`: trains what waits, one run a device, where no studio is open. */
import type { Command } from 'commander';
import { waitsForProgram } from '../../shared/devices.ts';
import { waitingForText } from '../studio/deviceText.ts';
import type { NextInQueue, QueueWork } from '../studio/queueWork.ts';
import type { StoredQueue } from '../studio/storedQueue.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED } from './failure.ts';
import { countOf } from './figures.ts';
import { besideText, waitingText } from './queueText.ts';
import { type Outcomes, RunsTraining, startedCount } from './runsTraining.ts';
import { printable } from './terminal.ts';

type EndKind = Exclude<NextInQueue['kind'], 'run' | 'busy'> | 'interrupted';

const LOOK_AGAIN_MS = 1000;

const ENDINGS: Readonly<Record<EndKind, string>> = {
  empty: 'Nothing waits any more.',
  paused: 'The queue is paused; go on: npx --no entail queue resume, then queue run',
  studio: 'A studio is open on this data directory: it starts what waits.',
  interrupted: 'Ended; go on: npx --no entail queue run',
};

export function addQueueRun(parent: Command, cli: Cli): void {
  const command = describe(parent.command('run'), {
    summary: 'train what waits, one run a device, until nothing does',
    details:
      'For machines without a studio. On several GPUs runs train side by side. It ends when nothing waits, when the queue is paused, or when a studio opens on\n' +
      'the same data directory, which then goes on with the queue; exit code 1 when runs have failed or were left.\n' +
      'Ctrl-C stops what trains in good order, with a checkpoint, and starts no other run; twice ends at once.',
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
  const training = new RunsTraining(work, queueWork, outcomes);
  let told = '';
  try {
    while (!interruption.stop.aborted) {
      const next = await queueWork.next();
      if (next.kind === 'run') await training.begin(next);
      else if (next.kind !== 'busy' && training.isEmpty) return next.kind;
      else {
        const blocked = next.kind === 'busy' && training.isEmpty;
        const text = blocked ? busyText(next) : told;
        if (text !== told) terminal.line(printable(text));
        told = text;
        await training.change(LOOK_AGAIN_MS);
      }
    }
    return 'interrupted';
  } finally {
    await training.end();
  }
}

function busyText({ run, waitsFor }: Extract<NextInQueue, { kind: 'busy' }>): string {
  const hint = waitsForProgram(waitsFor) ? ` ${besideText(run)}` : '';
  return `Run ${run} ${waitingForText(waitsFor)}.${hint}`;
}
