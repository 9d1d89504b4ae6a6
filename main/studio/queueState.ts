/** @file Runs under Node. The queue as pages see it: what waits, what trains, and what keeps either from going on. */
import type { QueueState } from '../../shared/contract/queue.ts';
import type { DeviceBlock } from '../../shared/devices.ts';
import type { StudioReader } from '../db/connection.ts';
import { waitingRuns } from '../db/queue.ts';
import { runsInWork } from '../db/runsInWork.ts';

export interface QueueSight {
  /** Deleted, with time to think again. */
  readonly isHidden: (run: string) => boolean;
  /** True for a run that this process trains. */
  readonly isHere: (run: string) => boolean;
  /** What a waiting run waits for beside its turn, as it was seen last. */
  readonly waitsFor: (run: string) => readonly DeviceBlock[];
}

export function queueState(
  store: StudioReader,
  { paused, continueAfterError, pausedBy }: Pick<QueueState, 'paused' | 'continueAfterError' | 'pausedBy'>,
  { isHidden, isHere, waitsFor: blocksOf }: QueueSight,
): QueueState {
  const waiting = waitingRuns(store).filter(({ id }) => !isHidden(id));
  return {
    ...{ paused, continueAfterError, pausedBy },
    waiting: waiting.map(({ id, name, config, devices, besidePrograms, createdAtMs, queuedFrom }) => ({
      ...{ id, name, dataset: config.dataset.name, engine: config.engine },
      ...{ devices, besidePrograms, waitsFor: paused ? [] : blocksOf(id) },
      ...{ addedAtMs: createdAtMs, resumes: queuedFrom !== null },
    })),
    running: runsInWork(store).map(({ id, devices, waitsFor }) => {
      return { run: id, devices, here: isHere(id), waitsFor };
    }),
  };
}
