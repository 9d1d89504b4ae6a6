/** @file Runs under Node. Handlers of shared/contract/series.ts: curves, mean curves, and every point as CSV. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { seriesRoutes } from '../../../shared/contract/series.ts';
import { METRICS } from '../../../shared/runs.ts';
import { figuresOfRuns } from '../../db/figures.ts';
import { groupLine } from '../../db/groupSeries.ts';
import { runKey } from '../../db/runKey.ts';
import { pointCounts, seriesLine } from '../../db/series.ts';
import type { HostContext } from '../hosting.ts';
import { pointsCsv } from '../pointsCsv.ts';

/** Points that one request may read whole; beyond it, blocks are as good to look at and much quicker. */
const AFFORDABLE_POINTS = 20_000;

export function seriesHandlers({ databases }: HostContext): HandlersOf<typeof seriesRoutes> {
  return {
    'series/metrics': ({ runs }) => {
      const store = databases.store();
      const keys = runs.map((run) => runKey(store, run));
      const figures = figuresOfRuns(store, keys);
      const counts = pointCounts(store, keys);
      return METRICS.flatMap((metric) => {
        const having = keys.filter((key) => figures.get(key)?.[metric] !== undefined);
        if (having.length === 0) return [];
        return [{ metric, runs: having.length, mostPoints: counts.get(metric) ?? having.length }];
      });
    },
    'series/lines': ({ metric, runs, axis, range, buckets }) => {
      const store = databases.store();
      const affordablePoints = AFFORDABLE_POINTS / runs.length;
      return runs.flatMap(
        (run) => seriesLine(store, run, { metric, axis, range, buckets, affordablePoints }) ?? [],
      );
    },
    'series/groups': ({ groups, ...request }) =>
      groups.map((group) => groupLine(databases.store(), group, request)),
    'series/csv': ({ metrics, runs }) => pointsCsv(databases.store(), metrics, runs),
  };
}
