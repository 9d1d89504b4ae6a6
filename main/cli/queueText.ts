/** @file Runs anywhere. The queue in words: what trains, what waits, and what starts it. Pure functions. */
import { type DevicesWish, waitsForProgram } from '../../shared/devices.ts';
import type { RunProgress, RunState } from '../../shared/runs.ts';
import { waitingForText } from '../studio/deviceText.ts';
import type { QueueListing } from '../studio/storedQueue.ts';
import { countOf, durationText, shareText } from './figures.ts';
import { tableLines } from './tables.ts';
import { printable } from './terminal.ts';

export interface Standing {
  readonly state: RunState;
  readonly progress: RunProgress | null;
}

const COLUMNS = [
  { title: 'place' },
  { title: 'run' },
  { title: 'name' },
  { title: 'data set' },
  { title: 'engine' },
  { title: 'device' },
  { title: 'state' },
];

/** What was measured last says how far a run is only while it is worked on. */
const IN_WORK: ReadonlySet<RunState> = new Set(['preparing', 'running', 'pausing', 'paused', 'stopping']);

/** "running, 25.0 %, 12 min 05 s left"; of a run that is not worked on just its state. */
export function standingText({ state, progress }: Standing): string {
  if (!IN_WORK.has(state) || progress === null || progress.totalSteps === 0) return state;
  const { step, totalSteps, etaSeconds } = progress;
  const left = etaSeconds === null || state !== 'running' ? '' : `, ${durationText(etaSeconds)} left`;
  return `${state}, ${shareText(step / totalSteps)}${left}`;
}

export function queueLines(queue: QueueListing): string[] {
  const rows = [
    ...queue.running.map((run) => [
      ...['now', run.id, run.name ?? '', run.dataset, run.engine ?? '', run.devices.join(', ')],
      `${standingText(run)}${run.waitsFor === null ? '' : ', waits for room on the disk'}`,
    ]),
    ...queue.waiting.map((run) => [
      ...[String(run.place), run.id, run.name ?? '', run.dataset, run.engine ?? '', wishText(run.devices)],
      queuedText(run),
    ]),
  ];
  return [...(rows.length === 0 ? [] : [...tableLines(COLUMNS, rows), '']), ...tailLines(queue)];
}

/** What a run asks for; nothing when any device will do. */
function wishText(wish: DevicesWish): string {
  if (typeof wish === 'number') return wish === 1 ? '' : `any ${wish}`;
  return Array.isArray(wish) ? wish.join(', ') : wish;
}

function queuedText({ resumes, waitsFor, besidePrograms }: QueueListing['waiting'][number]): string {
  return [
    'queued',
    ...(resumes ? ['goes on from its checkpoint'] : []),
    ...(besidePrograms ? ['starts beside other programs'] : []),
    ...(waitsFor.length === 0 ? [] : [printable(waitingForText(waitsFor))]),
  ].join(', ');
}

/** What a person can do about a program that may never end. */
export function besideText(run: string): string {
  return `To start it beside a program that is no Entail: npx --no entail queue beside ${run}`;
}

function tailLines(queue: QueueListing): string[] {
  if (queue.paused) return [pausedText(queue.pausedBy), 'Go on: npx --no entail queue resume'];
  const ends = queue.continueAfterError ? [] : ['When a run fails the queue pauses.'];
  if (queue.waiting.length > 0) {
    const blocked = queue.waiting.find(({ waitsFor }) => waitsForProgram(waitsFor));
    const beside = blocked === undefined ? [] : [besideText(blocked.id)];
    return [starterText(queue), ...beside, ...ends];
  }
  const standing = queue.running.length === 0 ? 'Nothing trains and nothing waits.' : 'Nothing waits.';
  return [`${standing} Add a run: npx --no entail queue add --dataset NAME`, ...ends];
}

function pausedText(pausedBy: QueueListing['pausedBy']): string {
  return pausedBy === null
    ? 'The queue is paused: nothing starts; what trains goes on.'
    : `The queue has paused itself, because run ${pausedBy.run} failed: ${printable(pausedBy.message)}`;
}

/** What starts the runs that wait. */
export function starterText({ workedBy, paused }: Pick<QueueListing, 'workedBy' | 'paused'>): string {
  if (paused) return 'The queue is paused; go on: npx --no entail queue resume';
  if (workedBy === 'studio') return 'The studio that is open starts what waits, one run a device.';
  if (workedBy === 'command') return '"queue run" is at work in another terminal and starts what waits.';
  return 'No studio is open: what waits starts when one opens, or here with npx --no entail queue run';
}

/** "nothing waits", "1 run waits", "3 runs wait" */
export function waitingText(count: number): string {
  if (count === 0) return 'nothing waits';
  return `${countOf(count, 'run')} ${count === 1 ? 'waits' : 'wait'}`;
}
