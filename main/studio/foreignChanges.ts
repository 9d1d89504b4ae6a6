/**
 * @file Runs under Node. What other processes change in studio.db (a training on the command line, a tag): noticed by
 * SQLite's own counter, read from where this process had read, and told like everything else.
 */
import type { StudioEvent } from '../../shared/contract/events.ts';
import { METRICS, type MetricPoint } from '../../shared/runs.ts';
import { logTail } from '../db/logs.ts';
import { metricTail } from '../db/metrics.ts';
import { type RunStamp, runStamps } from '../db/runStamps.ts';
import type { Databases } from './databases.ts';
import type { RunIndex } from './runIndex.ts';

const LOOK_EVERY_MS = 500;

export interface ForeignSetting {
  readonly databases: Databases;
  readonly runIndex: RunIndex;
  readonly publish: (events: readonly StudioEvent[]) => void;
  /** True for runs that this process trains and tells of itself. */
  readonly isOurs: (run: string) => boolean;
  /** Something changed that the queue may want to know. */
  readonly onChange: () => void;
}

/** How far this process has read of a run that another one trains. */
interface Reading {
  readonly steps: Map<string, number>;
  logCursor: number;
}

export class ForeignChanges {
  readonly #setting: ForeignSetting;
  readonly #readings = new Map<string, Reading>();
  #timer: NodeJS.Timeout | null = null;
  #version = -1;
  #stamps: ReadonlyMap<string, RunStamp> = new Map();

  constructor(setting: ForeignSetting) {
    this.#setting = setting;
  }

  start(): void {
    this.#version = this.#currentVersion();
    this.#stamps = runStamps(this.#setting.databases.store());
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Cheap while nobody else writes. */
  look(): void {
    const version = this.#currentVersion();
    if (version === this.#version) return;
    this.#version = version;
    const { databases, runIndex, publish, isOurs, onChange } = this.#setting;
    const stamps = runStamps(databases.store());
    const changed = [...stamps].filter(
      ([id, stamp]) => this.#stamps.get(id)?.text !== stamp.text && !isOurs(id),
    );
    const gone = [...this.#stamps.keys()].filter((id) => !stamps.has(id) && !runIndex.isHidden(id));
    this.#stamps = stamps;
    const ids = changed.map(([id]) => id);
    runIndex.touch([...ids, ...gone]);
    const events: StudioEvent[] = changed.flatMap(([id, stamp]) => this.#news(id, stamp));
    if (ids.length > 0) events.push({ kind: 'runs', ids });
    if (gone.length > 0) events.push({ kind: 'runsDeleted', ids: gone });
    publish(events);
    onChange();
  }

  #currentVersion(): number {
    return Number(this.#setting.databases.store().connection.pragma('data_version', { simple: true }));
  }

  /** Progress, points and log lines since the last look. */
  #news(run: string, { state, progress }: RunStamp): StudioEvent[] {
    if (progress === null) return [];
    const store = this.#setting.databases.store();
    const reading = this.#readings.get(run) ?? { steps: new Map<string, number>(), logCursor: 0 };
    this.#readings.set(run, reading);
    const points: MetricPoint[] = [];
    for (const metric of METRICS) {
      const { series, cursor } = metricTail(store, run, metric, reading.steps.get(metric) ?? null);
      reading.steps.set(metric, cursor);
      for (const [at, step] of series.steps.entries())
        points.push({
          metric,
          step,
          epoch: series.epochs[at]!,
          atMs: series.atMs[at]!,
          value: series.values[at]!,
        });
    }
    const { lines, cursor } = logTail(store, run, reading.logCursor);
    reading.logCursor = cursor;
    return [
      { kind: 'progress', run, state, progress },
      ...(points.length === 0 ? [] : [{ kind: 'points', run, points } as const]),
      ...(lines.length === 0 ? [] : [{ kind: 'log', run, lines } as const]),
    ];
  }
}
