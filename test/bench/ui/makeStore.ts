/** @file Benchmarks. Data directories with many runs, and with long curves, written through the studio's own tables. */
import { mkdirSync } from 'node:fs';
import type { StudioDatabase } from '../../../main/db/connection.ts';
import { claimRun } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { createRun } from '../../../main/db/runs.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { METRICS, type MetricName, type MetricPoint } from '../../../shared/runs.ts';
import { sampleConfig, sampleEnvironment, sampleResult, startedReport } from '../../support/sampleRun.ts';

/** Twenty: all but three of those that only a GPU has. */
export const TABLE_METRICS: readonly MetricName[] = METRICS.filter(
  (name) => !name.startsWith('system/gpu') || name === 'system/gpuPercent',
);
const POINTS_A_WRITE = 10_000;

/** The same numbers each time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Opens a new store, lets `fill` write into it, and closes it. */
export function makeStore(dataDirectory: string, fill: (store: StudioDatabase) => void): void {
  mkdirSync(dataDirectory, { recursive: true });
  const store = openStudioDatabase(dataPlaces(dataDirectory).studioDatabase);
  fill(store);
  store.close();
}

/** Runs that differ in ten settings, each measured by every metric of TABLE_METRICS. */
export function fillTable(store: StudioDatabase, runs: number): void {
  const random = randomNumbers(7);
  const choose = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
  const batch = 500;
  for (let made = 0; made < runs; made += batch)
    store.connection.transaction(() => {
      for (let at = made; at < Math.min(runs, made + batch); at++) {
        const config = sampleConfig({
          lr: choose([1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 3e-4]),
          seed: at % 5,
          batchSize: choose([16, 32, 64, 128, 256, 512]),
          epochs: choose([3, 5, 10]),
          dropout: choose([0, 0.1, 0.2]),
          maxLen: choose([64, 128]),
          schedule: choose(['constant', 'linear']),
          warmup: choose([0, 0.06, 0.1]),
          weightDecay: choose([0, 0.01]),
          clipNorm: choose([0, 1]),
        });
        const accuracy = 0.6 + 0.3 * random();
        const points = TABLE_METRICS.flatMap((metric) =>
          [1, 2, 3].map((step) => pointOf(metric, step * 100, accuracy * (1 + random() / 50))),
        );
        const result = { ...sampleResult, testAccuracy: accuracy, devAccuracy: accuracy };
        endedRun(store, `run ${at}`, config, (id) => {
          appendReports(store, id, [
            { kind: 'metrics', points },
            { kind: 'finished', result },
          ]);
        });
      }
    })();
}

/** Runs with a point a step of each metric: a falling curve with noise, and a spike here and there. */
export function fillCurves(
  store: StudioDatabase,
  { runs, points, metrics }: { runs: number; points: number; metrics: readonly MetricName[] },
): string[] {
  const random = randomNumbers(11);
  const made: string[] = [];
  for (let at = 0; at < runs; at++) {
    const id = endedRun(store, `curve ${at}`, sampleConfig({ seed: at }), (run) => {
      for (const metric of metrics)
        for (let from = 1; from <= points; from += POINTS_A_WRITE) {
          const to = Math.min(points, from + POINTS_A_WRITE - 1);
          const curve = Array.from({ length: to - from + 1 }, (_, place) =>
            pointOf(metric, from + place, heightOf((from + place) / points, random)),
          );
          appendReports(store, run, [{ kind: 'metrics', points: curve }]);
        }
      appendReports(store, run, [{ kind: 'finished', result: sampleResult }]);
    });
    made.push(id);
  }
  return made;
}

function endedRun(
  store: StudioDatabase,
  name: string,
  config: ReturnType<typeof sampleConfig>,
  measure: (id: string) => void,
): string {
  const id = createRun(store, { config, environment: sampleEnvironment, name });
  const lease = claimRun(store, id);
  appendReports(store, id, [startedReport()]);
  measure(id);
  lease.release();
  return id;
}

function pointOf(metric: MetricName, step: number, value: number): MetricPoint {
  return { metric, step, epoch: step / 100, atMs: 1_780_000_000_000 + 100 * step, value };
}

function heightOf(share: number, random: () => number): number {
  const spike = random() < 1e-4 ? 2 : 0;
  return 0.3 + 0.8 * Math.exp(-4 * share) + 0.1 * (random() - 0.5) + spike;
}
