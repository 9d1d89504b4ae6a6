/** @file Runs under Node. The queue as pages see it: what waits, what trains, and what keeps either from going on. */
import type { QueueState } from '../../shared/contract/queue.ts';
import type { StudioReader } from '../db/connection.ts';
import { waitingRuns } from '../db/queue.ts';
import { runsInWork } from '../db/runsInWork.ts';

export interface QueueSight {
  /** Deleted, with time to think again. */
  readonly isHidden: (run: string) => boolean;
  /** Where this process trains a run; null when it does not. */
  readonly deviceHere: (run: string) => string | null;
}

export function queueState(
  store: StudioReader,
  { paused, continueAfterError, pausedBy }: Pick<QueueState, 'paused' | 'continueAfterError' | 'pausedBy'>,
  { isHidden, deviceHere }: QueueSight,
): QueueState {
  const waiting = waitingRuns(store).filter(({ id }) => !isHidden(id));
  return {
    ...{ paused, continueAfterError, pausedBy },
    waiting: waiting.map(({ id, name, config, createdAtMs, queuedFrom }) => ({
      ...{ id, name, dataset: config.dataset.name, engine: config.engine },
      ...{ addedAtMs: createdAtMs, resumes: queuedFrom !== null },
    })),
    running: runsInWork(store).map(({ id, device, waitsFor }) => {
      const here = deviceHere(id);
      return { run: id, device: here ?? device ?? 'cpu', here: here !== null, waitsFor };
    }),
  };
}
