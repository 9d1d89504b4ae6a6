/** @file Runs in the page. What can be done to one run or many, each taken back by the toast that tells of it. */
import type { Input } from '../../../shared/contract/contract.ts';
import type { RunState } from '../../../shared/runs.ts';
import type { StudioState } from '../../state/studio.svelte.ts';
import { formatBytes } from '../../table/format.ts';

const GOING_ON: ReadonlySet<RunState> = new Set(['preparing', 'running', 'pausing', 'paused', 'stopping']);

export function isGoingOn(state: RunState | null): boolean {
  return state !== null && GOING_ON.has(state);
}

const counted = (runs: readonly string[]) => (runs.length === 1 ? 'The run' : `${runs.length} runs`);

async function attempt(studio: StudioState, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (thrown) {
    studio.toasts.fail(thrown);
    return false;
  }
}

type Change = Omit<Input<'runs/annotate'>, 'ids'>;

interface Told {
  readonly change: Change;
  readonly back: Change;
  /** True of a run that is as the change would leave it: taking the change back leaves it alone. */
  readonly isThere: (row: number) => boolean;
  /** Of what was done, after "3 runs". */
  readonly words: string;
}

/** The runs that were as wanted before are left as they were, by the change and by taking it back. */
async function annotate(studio: StudioState, ids: readonly string[], told: Told): Promise<void> {
  const changed = ids.filter((id) => {
    const row = studio.runs.row(id);
    return row === undefined || !told.isThere(row);
  });
  const give = (change: Change) =>
    attempt(studio, () => studio.client.request('runs/annotate', { ids: changed, ...change }));
  if (changed.length === 0) {
    studio.toasts.say(`${counted(ids)} ${ids.length === 1 ? 'is' : 'are'} already ${told.words}.`);
    return;
  }
  if (!(await give(told.change))) return;
  studio.toasts.say(`${counted(ids)} ${told.words}.`, {
    action: { label: 'Undo', act: () => void give(told.back) },
  });
}

export function archive(studio: StudioState, ids: readonly string[], archived: boolean): Promise<void> {
  return annotate(studio, ids, {
    change: { archived },
    back: { archived: !archived },
    isThere: (row) => studio.runs.table.archived[row] === archived,
    words: archived ? 'archived' : 'taken out of the archive',
  });
}

/** Runs that go on are left out, and that is said. */
export async function remove(studio: StudioState, ids: readonly string[]): Promise<void> {
  const busy = ids.filter((id) => isGoingOn(studio.runs.state(id)));
  const gone = ids.filter((id) => !busy.includes(id));
  if (gone.length === 0) {
    studio.toasts.say('A run that goes on cannot be deleted: stop it first.', { kind: 'bad' });
    return;
  }
  await attempt(studio, async () => {
    const { freedBytes } = await studio.client.request('runs/delete', { ids: gone });
    studio.workspace.select([]);
    const left = busy.length === 0 ? '' : ` ${busy.length} go on and stay.`;
    studio.toasts.say(`${counted(gone)} deleted, ${formatBytes(freedBytes)}.${left}`, {
      action: {
        label: 'Undo',
        act: () => void attempt(studio, () => studio.client.request('runs/restore', { ids: gone })),
      },
    });
  });
}

export function tag(studio: StudioState, ids: readonly string[], label: string): Promise<void> {
  return annotate(studio, ids, {
    change: { addTags: [label] },
    back: { removeTags: [label] },
    isThere: (row) => studio.runs.table.tags[row]?.includes(label) === true,
    words: `tagged ${label}`,
  });
}

/** `route` of a single run, with what went wrong told. */
export function control(
  studio: StudioState,
  route: 'runs/pause' | 'runs/resume',
  run: string,
): Promise<boolean> {
  return attempt(studio, () => studio.client.request(route, { run }));
}

/** A run whose memory did not suffice goes on with so many tokens at once. */
export function resumeWith(studio: StudioState, run: string, microBatchTokens: number): Promise<boolean> {
  return attempt(studio, () => studio.client.request('runs/resume', { run, microBatchTokens }));
}

export function stop(studio: StudioState, run: string, how: 'keep' | 'now'): Promise<boolean> {
  return attempt(studio, () => studio.client.request('runs/stop', { run, how }));
}

export async function discard(studio: StudioState, run: string): Promise<boolean> {
  return attempt(studio, async () => {
    await studio.client.request('runs/discard', { run });
    studio.toasts.say('The run was ended and deleted.', {
      action: {
        label: 'Undo',
        act: () => void attempt(studio, () => studio.client.request('runs/restore', { ids: [run] })),
      },
    });
  });
}
