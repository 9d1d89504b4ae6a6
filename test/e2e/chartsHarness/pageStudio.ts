/** @file Tests. A studio inside the page: curves of any length, answered as the contract says, and live points. */
import { type Client, clientOver } from '../../../renderer/api/client.ts';
import type { Transport } from '../../../renderer/api/transport.ts';
import type { EventBatch } from '../../../shared/contract/events.ts';
import {
  type GroupLine,
  RAW_POINTS,
  type SeriesLine,
  seriesRoutes,
} from '../../../shared/contract/series.ts';

/** The studio's answers take a moment, as over a wire. */
const DELAY_MS = 5;

export class PageStudio {
  readonly asked: { readonly route: string; readonly input: unknown }[] = [];
  readonly client: Client;
  readonly #curves = new Map<string, number[]>();
  readonly #listeners = new Set<(batch: EventBatch) => void>();

  constructor() {
    const transport: Transport = {
      status: 'open',
      onStatus: () => () => {},
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      request: async (route, input) => {
        this.asked.push({ route, input: JSON.parse(JSON.stringify(input)) });
        await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
        return { ok: true, value: this.#answer(route, input) };
      },
    };
    this.client = clientOver(transport);
  }

  /** `spike`: one point of 10 in a curve of 1. */
  store(run: string, kind: 'flat' | 'spike' | 'noise', points: number): void {
    const values = Array.from({ length: points }, (_, at) =>
      kind === 'noise' ? Math.sin(at * 12.9898) * 0.5 + 1 : 1,
    );
    if (kind === 'spike') values[Math.floor(points / 2)] = 10;
    this.#curves.set(run, values);
  }

  log(run: string, values: readonly number[]): void {
    const known = this.#curves.get(run) ?? [];
    this.#curves.set(run, known);
    const points = values.map((value) => {
      const step = known.push(value);
      return { metric: 'step/loss' as const, step, epoch: step / 100, atMs: step * 1000, value };
    });
    for (const listener of this.#listeners)
      listener({ cursor: '', events: [{ kind: 'points', run, points }] });
  }

  #answer(route: string, input: unknown): unknown {
    if (route === 'series/groups') return this.#groups(input);
    const { runs, range, buckets, axis } = seriesRoutes['series/lines'].input.parse(input);
    const unit = axis === 'epoch' ? 0.01 : 1;
    return runs.flatMap((run) => this.#line(run, { range, buckets, unit }) ?? []);
  }

  #line(
    run: string,
    { range, buckets, unit }: { range: { from: number; to: number } | null; buckets: number; unit: number },
  ): SeriesLine | null {
    const all = this.#curves.get(run);
    if (all === undefined) return null;
    const from = range === null ? 0 : Math.max(0, Math.ceil(range.from / unit) - 1);
    const to = range === null ? all.length : Math.min(all.length, Math.floor(range.to / unit));
    const common = {
      run,
      total: all.length,
      cursor: all.length,
      xExtent: [unit, all.length * unit] as const,
    };
    if (to - from <= RAW_POINTS) {
      const y = all.slice(from, to);
      return { kind: 'raw', ...common, x: y.map((_, at) => (from + at + 1) * unit), y };
    }
    const size = Math.ceil((to - from) / buckets);
    const parts: number[][] = [];
    for (let at = from; at < to; at += size) parts.push(all.slice(at, Math.min(to, at + size)));
    return {
      kind: 'buckets',
      ...common,
      x: parts.map((part, at) => (from + at * size + part.length) * unit),
      min: parts.map((part) => Math.min(...part)),
      max: parts.map((part) => Math.max(...part)),
      mean: parts.map((part) => part.reduce((sum, value) => sum + value, 0) / part.length),
      last: parts.map((part) => part.at(-1)!),
      count: parts.map(({ length }) => length),
    };
  }

  #groups(input: unknown): GroupLine[] {
    const { groups } = seriesRoutes['series/groups'].input.parse(input);
    const x = Array.from({ length: 50 }, (_, at) => at + 1);
    return groups.map(({ key, runs }) => ({
      key,
      x,
      mean: x.map(() => 1),
      low: x.map(() => 0.5),
      high: x.map(() => 1.5),
      runs: x.map(() => runs.length),
    }));
  }
}
