/** @file Runs under Node. Handlers of shared/contract/runs.ts: the table, one run, its log, what a person writes on it. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { RunDetails, runRoutes } from '../../../shared/contract/runs.ts';
import { annotateRuns } from '../../db/annotations.ts';
import { listExperiments } from '../../db/experiments.ts';
import { logTail } from '../../db/logs.ts';
import { predictedSplits } from '../../db/predictions.ts';
import type { HostContext } from '../hosting.ts';

export function runsHandlers(context: HostContext): HandlersOf<typeof runRoutes> {
  const { databases, runs, runIndex, deletions, runControl, publish } = context;
  const changed = (ids: readonly string[]): null => {
    runIndex.touch(ids);
    publish([{ kind: 'runs', ids }]);
    return null;
  };
  return {
    'runs/table': ({ ids }) => runIndex.packedTable(ids),
    'runs/show': ({ run }) => detailsOf(context, run),
    'runs/log': ({ run, after }) => logTail(databases.store(), run, after),
    'runs/annotate': ({ ids, ...change }) => {
      annotateRuns(databases.store(), ids, change);
      return changed(ids);
    },
    'runs/delete': ({ ids }) => deletions.delete(ids),
    'runs/restore': ({ ids }) => {
      deletions.restore(ids);
      return null;
    },
    'runs/stop': async ({ run, how }) => {
      await runControl.stop(run, how);
      return null;
    },
    'runs/pause': async ({ run }) => {
      await runControl.pause(run);
      return null;
    },
    'runs/resume': async ({ run, microBatchTokens }) => {
      await runControl.resume(run, microBatchTokens);
      return null;
    },
    'runs/discard': ({ run }) => runControl.discard(run),
    'runs/experiments': () =>
      listExperiments(databases.store()).map(({ name, runs: count }) => ({ name, runs: count })),
  };

  function detailsOf({ runIndex: index }: HostContext, id: string): RunDetails {
    const details = runs.details(id);
    return {
      ...details,
      colour: index.colourOf(details.id) ?? 0,
      size: runs.size(details.id),
      predictions: predictedSplits(databases.store(), details.id),
    };
  }
}
