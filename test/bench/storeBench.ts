/** @file Benchmark: what storing a run's metrics costs. `node test/bench/storeBench.ts`; one JSON object on stdout. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimRun } from '../../main/db/lease.ts';
import { metricSeries } from '../../main/db/metrics.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { appendReports } from '../../main/db/reports.ts';
import { createRun, listRuns } from '../../main/db/runs.ts';
import { sampleConfig, sampleEnvironment, samplePoints } from '../support/sampleRun.ts';

const FLUSHES = 100;
const POINTS = 10_000;
const RUNS = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'entail-bench-'));
try {
  console.log(JSON.stringify(measure(join(folder, 'studio.db'))));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function measure(path: string): Record<string, number> {
  const database = openStudioDatabase(path);
  const run = { config: sampleConfig(), environment: sampleEnvironment };
  const runId = createRun(database, run);
  claimRun(database, runId);
  const large = medianMs(9, (turn) => {
    const points = samplePoints('step/loss', turn * POINTS + 1, (turn + 1) * POINTS);
    return () => appendReports(database, runId, [{ kind: 'metrics', points }]);
  });
  const small = medianMs(FLUSHES, (turn) => {
    const points = samplePoints('step/accuracy', turn * 40 + 1, (turn + 1) * 40);
    return () => appendReports(database, runId, [{ kind: 'metrics', points }]);
  });
  const read = medianMs(5, () => () => void metricSeries(database, runId, 'step/loss'));
  const others = openStudioDatabase(join(path, '..', 'many.db'));
  others.connection.transaction(() => {
    for (let made = 0; made < RUNS; made++) createRun(others, run);
  })();
  const list = medianMs(5, () => () => void listRuns(others, { limit: 200 }));
  const listAll = medianMs(5, () => () => void listRuns(others));
  others.close();
  database.close();
  const open = medianMs(5, () => () => openStudioDatabase(path).close());
  return {
    store10000PointsMs: large,
    flushOf40PointsMs: small,
    read90000PointsMs: read,
    list200Of10000RunsMs: list,
    list10000RunsMs: listAll,
    openAndCloseMs: open,
    fileBytes: statSync(path).size,
  };
}

/** Median time of several calls; `prepare` makes each, untimed. */
function medianMs(turns: number, prepare: (turn: number) => () => void): number {
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const act = prepare(turn);
    const from = performance.now();
    act();
    times.push(performance.now() - from);
  }
  times.sort((one, other) => one - other);
  return Math.round(times[times.length >> 1]! * 100) / 100;
}
