/**
 * @file Tests, as a process of its own: makes a run in the studio.db of its first argument, prints the run's id, and
 * then stores one flush after the other until it is killed or has stored as many as its second argument says, when it
 * ends, or with "stay" as third argument lives on and writes no more. Flush n is 40 points of loss, 40 of accuracy, and the
 * log line "flush n", so that half a flush can be told.
 */
import { writeSync } from 'node:fs';
import { claimRun } from '../../main/db/lease.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { appendReports } from '../../main/db/reports.ts';
import { createRun } from '../../main/db/runs.ts';
import { sampleConfig, sampleEnvironment, samplePoints, startedReport } from '../support/sampleRun.ts';

const [path, flushes = 'Infinity', then = 'end'] = process.argv.slice(2) as [string, string?, string?];

const database = openStudioDatabase(path);
const runId = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
claimRun(database, runId);
appendReports(database, runId, [startedReport()]);
writeSync(1, `${runId}\n`);
for (let flush = 0; flush < Number(flushes); flush++) {
  const [from, to] = [40 * flush + 1, 40 * flush + 40];
  appendReports(database, runId, [
    { kind: 'metrics', points: samplePoints('step/loss', from, to) },
    { kind: 'log', level: 'info', text: `flush ${flush}` },
    { kind: 'metrics', points: samplePoints('step/accuracy', from, to) },
  ]);
}
if (then === 'stay') setInterval(() => {}, 60_000);
else database.close();
