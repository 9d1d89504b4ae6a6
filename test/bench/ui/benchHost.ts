/**
 * @file Benchmarks. The studio's loopback host in a process of its own, over a data directory that is given. Told "live",
 * it stores and announces points of a run as its training worker would report them, until it is told "still".
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { claimRun } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { createRun } from '../../../main/db/runs.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import { startServer } from '../../../main/headless/server.ts';
import { pageFiles } from '../../../main/rpc/pageFiles.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { settledDirectory } from '../../../main/studio/directoryChoice.ts';
import { RunEvents } from '../../../main/studio/runEvents.ts';
import { hostStudio } from '../../../main/studio.ts';
import { projectFolder, readVersion } from '../../../main/version.ts';
import type { MetricName, MetricPoint, WorkerReport } from '../../../shared/runs.ts';
import { sampleConfig, sampleEnvironment, startedReport } from '../../support/sampleRun.ts';

export interface HostAddress {
  readonly origin: string;
  readonly key: string;
}
/** What the benchmark tells the host. */
export type HostOrder =
  | {
      readonly kind: 'live';
      readonly metrics: readonly MetricName[];
      readonly pointsPerSecond: number;
      /** Points of each metric that the run has already. */
      readonly history: number;
    }
  | { readonly kind: 'still' };
/** What the host says: where it is, then the id of each live run. */
export type HostNews = HostAddress | { readonly liveRun: string };

/** As often as a training worker reports. */
const REPORT_MS = 250;
const POINTS_A_WRITE = 1000;

const dataDirectory = process.argv[2]!;
const unused = () => {
  throw new Error(`A benchmark does not need this (${randomUUID()}).`);
};
const studio = hostStudio({
  ...{ dataDirectory, entries: checkoutEntries(), version: readVersion() },
  platform: {
    capabilities: { openDialog: false, showInFolder: false, systemNotifications: false },
    ...{ chooseFile: unused, showFolder: unused, notify: () => {}, keepAwake: () => {} },
    directoryChoice: settledDirectory(dataDirectory, 'the benchmark'),
  },
});
const { dispatch, events } = studio;
const files = pageFiles(join(projectFolder(), 'dist', 'renderer'));
const server = await startServer({ port: 0, publicOrigins: [], files, dispatch, events });
studio.announce({ host: 'headless', url: server.origin });

let timer: NodeJS.Timeout | null = null;
const tell = (news: HostNews) => void process.send?.(news);

process.on('message', (order: HostOrder) => {
  if (timer !== null) clearInterval(timer);
  timer = null;
  if (order.kind === 'live') timer = goLive(order);
});
process.on('disconnect', () => process.exit());
tell({ origin: server.origin, key: server.key });

function goLive({ metrics, pointsPerSecond, history }: Extract<HostOrder, { kind: 'live' }>): NodeJS.Timeout {
  const store = openStudioDatabase(dataPlaces(dataDirectory).studioDatabase);
  const run = createRun(store, { config: sampleConfig(), environment: sampleEnvironment, name: 'live' });
  claimRun(store, run);
  const announced = new RunEvents(run);
  const report = (reports: readonly WorkerReport[]) => {
    appendReports(store, run, reports);
    events.publish(announced.of(reports));
  };
  const pointsAt = (steps: readonly number[]): WorkerReport => ({
    kind: 'metrics',
    points: steps.flatMap((step) => metrics.map((metric) => livePoint(metric, step))),
  });
  report([startedReport()]);
  for (let from = 1; from <= history; from += POINTS_A_WRITE)
    appendReports(store, run, [pointsAt(stepsUntil(from, Math.min(history, from + POINTS_A_WRITE - 1)))]);
  tell({ liveRun: run });
  let done = history;
  const startedAtMs = Date.now();
  return setInterval(() => {
    const due = history + Math.floor(((Date.now() - startedAtMs) / 1000) * pointsPerSecond);
    report([pointsAt(stepsUntil(done + 1, due))]);
    done = due;
  }, REPORT_MS);
}

function stepsUntil(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}

function livePoint(metric: MetricName, step: number): MetricPoint {
  const value = Math.exp(-step / 3000) + Math.sin(step) / 20;
  return { metric, step, epoch: step / 100, atMs: Date.now(), value };
}
