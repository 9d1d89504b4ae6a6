/** @file Runs under Node. What pages are told of a run's reports, once these are stored. */
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { MetricName, RunState, WorkerReport } from '../../shared/runs.ts';

/** Reports after which the run's row looks different. */
const CHANGES_ROW: ReadonlySet<WorkerReport['kind']> = new Set([
  ...(['started', 'stopping', 'pausing', 'paused', 'continued'] as const),
  ...(['stopped', 'finished', 'failed', 'checkpoint', 'checkpointRemoved', 'evaluation'] as const),
]);
/** Metrics whose newest point the table shows; of the others it only says whether there is any. */
const TABLE_METRIC = /^(dev|test|epoch)\//;

/** Keeps a run's state between reports, so that progress can be told with it. */
export class RunEvents {
  readonly #run: string;
  /** Metrics that pages have heard of: one that is new has a chart from now on. */
  readonly #metrics = new Set<MetricName>();
  #state: RunState = 'preparing';

  constructor(run: string) {
    this.#run = run;
  }

  /** In the order of the reports. */
  of(reports: readonly WorkerReport[]): StudioEvent[] {
    const events = reports.flatMap((report) => this.#eventsOf(report));
    // Of every report, for each tells of its metrics.
    const rowChanges = reports.map((report) => this.#changesRow(report)).includes(true);
    return rowChanges || reports.length === 0 ? [...events, { kind: 'runs', ids: [this.#run] }] : events;
  }

  #changesRow(report: WorkerReport): boolean {
    if (report.kind !== 'metrics') return CHANGES_ROW.has(report.kind);
    const before = this.#metrics.size;
    for (const { metric } of report.points) this.#metrics.add(metric);
    return this.#metrics.size > before || report.points.some(({ metric }) => TABLE_METRIC.test(metric));
  }

  #eventsOf(report: WorkerReport): StudioEvent[] {
    const run = this.#run;
    this.#state = stateAfter(report) ?? this.#state;
    switch (report.kind) {
      case 'started':
        return [{ kind: 'pointsDropped', run, afterStep: report.resumedAtStep }];
      case 'metrics':
        return [{ kind: 'points', run, points: report.points }];
      case 'progress': {
        const { kind: _, ...progress } = report;
        return [{ kind: 'progress', run, state: this.#state, progress }];
      }
      case 'evaluation':
        return [{ kind: 'evaluation', run, split: report.evaluation.split, evaluation: report.evaluation }];
      case 'log': {
        const line = { at: new Date().toISOString(), level: report.level, text: report.text };
        return [{ kind: 'log', run, lines: [line] }];
      }
      default:
        return [];
    }
  }
}

function stateAfter(report: WorkerReport): RunState | null {
  switch (report.kind) {
    case 'started':
    case 'continued':
      return 'running';
    case 'pausing':
    case 'paused':
    case 'stopping':
    case 'stopped':
    case 'failed':
      return report.kind;
    case 'finished':
      return 'completed';
    default:
      return null;
  }
}
