/**
 * @file Runs under Node. What other processes change in studio.db (a training on the command line, a tag) and cache.db (an
 * import): noticed by SQLite's own counter, read from where this process had read, and told like everything else.
 */
import type { StudioEvent } from '../../shared/contract/events.ts';
import { errorData } from '../../shared/errors.ts';
import { METRICS, type MetricName, type MetricPoint } from '../../shared/runs.ts';
import type { StudioReader } from '../db/connection.ts';
import { logTail } from '../db/logs.ts';
import { metricEnds, metricTail } from '../db/metrics.ts';
import { type RunStamp, runStamps } from '../db/runStamps.ts';
import type { Databases } from './databases.ts';
import type { DatasetChanges } from './datasetChanges.ts';
import type { ModelChanges } from './modelChanges.ts';
import type { RunIndex } from './runIndex.ts';

const LOOK_EVERY_MS = 500;
/** A version that SQLite never gives. */
const UNREAD = -1;

export interface ForeignSetting {
  readonly databases: Databases;
  readonly datasetChanges: DatasetChanges;
  readonly modelChanges: ModelChanges;
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
  #version = UNREAD;
  #stamps: ReadonlyMap<string, RunStamp> = new Map();
  #troubled = false;

  constructor(setting: ForeignSetting) {
    this.#setting = setting;
  }

  start(): void {
    const store = this.#setting.databases.store();
    this.#version = this.#currentVersion();
    this.#stamps = runStamps(store);
    // What is stored already, pages ask for; only what comes from here on is told.
    for (const [id, { progress }] of this.#stamps)
      if (progress !== null) this.#readings.set(id, readingAtEnd(store, id));
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Cheap while nobody else writes. Never throws: what could not be read is read the next time. */
  look(): void {
    try {
      this.#lookAtRuns();
      this.#setting.datasetChanges.look();
      this.#setting.modelChanges.look();
      this.#tell(null);
    } catch (thrown) {
      this.#version = UNREAD;
      this.#tell(thrown);
    }
  }

  #lookAtRuns(): void {
    const version = this.#currentVersion();
    if (version === this.#version) return;
    const { databases, runIndex, publish, isOurs, onChange } = this.#setting;
    const stamps = runStamps(databases.store());
    const changed = [...stamps].filter(
      ([id, stamp]) => this.#stamps.get(id)?.text !== stamp.text && !isOurs(id),
    );
    const gone = [...this.#stamps.keys()].filter((id) => !stamps.has(id) && !runIndex.isHidden(id));
    this.#version = version;
    this.#stamps = stamps;
    const ids = changed.map(([id]) => id);
    runIndex.touch([...ids, ...gone]);
    const events: StudioEvent[] = changed.flatMap(([id, stamp]) => this.#newsOrNone(id, stamp));
    if (ids.length > 0) events.push({ kind: 'runs', ids });
    if (gone.length > 0) events.push({ kind: 'runsDeleted', ids: gone });
    publish(events);
    onChange();
  }

  /** Once when reading fails, and once when it works again. */
  #tell(thrown: unknown): void {
    if (this.#troubled === (thrown !== null)) return;
    this.#troubled = thrown !== null;
    const text =
      thrown === null ? '' : `Changes by other programs cannot be seen: ${errorData(thrown).message}`;
    this.#setting.publish([{ kind: 'notice', id: 'otherPrograms', level: 'warning', text }]);
  }

  #currentVersion(): number {
    return Number(this.#setting.databases.store().connection.pragma('data_version', { simple: true }));
  }

  /** A run that has just been deleted, or whose figures are damaged, says so when a page asks for it. */
  #newsOrNone(run: string, stamp: RunStamp): StudioEvent[] {
    try {
      return this.#news(run, stamp);
    } catch {
      return [];
    }
  }

  /** Progress, points and log lines since the last look; of a run that has ended, what came last. */
  #news(run: string, { state, progress }: RunStamp): StudioEvent[] {
    const known = this.#readings.get(run);
    if (progress === null && known === undefined) return [];
    const store = this.#setting.databases.store();
    const reading = known ?? { steps: new Map<string, number>(), logCursor: 0 };
    if (progress === null) this.#readings.delete(run);
    else this.#readings.set(run, reading);
    const points = METRICS.flatMap((metric) => newPoints(store, run, metric, reading));
    const { lines, cursor } = logTail(store, run, reading.logCursor);
    reading.logCursor = cursor;
    return [
      ...(progress === null ? [] : [{ kind: 'progress', run, state, progress } as const]),
      ...(points.length === 0 ? [] : [{ kind: 'points', run, points } as const]),
      ...(lines.length === 0 ? [] : [{ kind: 'log', run, lines } as const]),
    ];
  }
}

/** As if everything that is stored had been read. */
function readingAtEnd(store: StudioReader, run: string): Reading {
  return { steps: metricEnds(store, run), logCursor: logTail(store, run, null).cursor };
}

function newPoints(store: StudioReader, run: string, metric: MetricName, reading: Reading): MetricPoint[] {
  const { series, cursor } = metricTail(store, run, metric, reading.steps.get(metric) ?? null);
  reading.steps.set(metric, cursor);
  const { steps, epochs, atMs, values } = series;
  return Array.from(steps, (step, at) => ({
    ...{ metric, step, epoch: epochs[at]!, atMs: atMs[at]!, value: values[at]! },
  }));
}
