/** @file Runs under Node. Taking a waiting run out of the queue, with what it has left on the disk. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunState } from '../../shared/runs.ts';
import { write } from '../db/connection.ts';
import { deleteRun } from '../db/deleteRun.ts';
import { leaveQueue, requireWaiting } from '../db/queue.ts';
import type { Databases } from './databases.ts';

/**
 * A new run is deleted, with its folder; one that was to go on is what it was before, which `state` tells.
 * @throws StudioError NOT_FOUND, USAGE when it does not wait.
 */
export function takeOut(
  databases: Databases,
  idOrPrefix: string,
): { readonly id: string; readonly state: RunState | null } {
  const store = databases.store();
  const { id, queuedFrom } = write(store, () => {
    const waiting = requireWaiting(store, idOrPrefix);
    if (waiting.queuedFrom === null) deleteRun(store, waiting.id);
    else leaveQueue(store, waiting.id);
    return waiting;
  });
  if (queuedFrom === null)
    rmSync(join(databases.places.runs, id), { recursive: true, force: true, maxRetries: 5 });
  return { id, state: queuedFrom };
}
