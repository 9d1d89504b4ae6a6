/** @file Tests. The curves that a chart holds: asked for once, continued by live points, asked again only for what is new. */
import { describe, expect, it } from 'vitest';
import { clientOver } from '../../../../renderer/api/client.ts';
import type { Transport } from '../../../../renderer/api/transport.ts';
import { bucketsFor, type LinesWish, SeriesStore } from '../../../../renderer/charts/seriesStore.ts';
import type { ParsedInput } from '../../../../shared/contract/contract.ts';
import type { StudioEvent } from '../../../../shared/contract/events.ts';
import { RAW_POINTS, type SeriesLine, seriesRoutes } from '../../../../shared/contract/series.ts';
import type { MetricPoint } from '../../../../shared/runs.ts';

type Asked = ParsedInput<'series/lines'>;

/** A studio that holds curves and answers as the contract says; answers wait until the test lets them through. */
class SmallStudio {
  readonly asked: Asked[] = [];
  readonly curves = new Map<string, MetricPoint[]>();
  failure: string | null = null;
  #gate: Promise<void> = Promise.resolve();

  readonly transport: Transport = {
    status: 'open',
    onStatus: () => () => {},
    subscribe: () => () => {},
    request: async (_route, input) => {
      const asked = seriesRoutes['series/lines'].input.parse(input);
      this.asked.push(asked);
      const value = asked.runs.flatMap((run) => this.#line(run, asked) ?? []);
      const { failure } = this;
      await this.#gate;
      if (failure !== null)
        return { ok: false, error: { code: 'CONNECTION_LOST', message: failure, nextStep: '' } };
      return { ok: true, value };
    },
  };

  /** Holds answers back until the returned function is called. */
  hold(): () => void {
    let open = () => {};
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  log(run: string, ...values: number[]): StudioEvent {
    const known = this.curves.get(run) ?? [];
    const points = values.map((value, at): MetricPoint => {
      const step = known.length + at + 1;
      return { metric: 'step/loss', step, epoch: step / 100, atMs: 5000 + step * 1000, value };
    });
    this.curves.set(run, [...known, ...points]);
    return { kind: 'points', run, points };
  }

  #line(run: string, { axis, range, buckets }: Asked): SeriesLine | null {
    const all = this.curves.get(run);
    if (all === undefined || all.length === 0) return null;
    const startMs = all[0]!.atMs;
    const place = ({ step, epoch, atMs }: MetricPoint) =>
      axis === 'step' ? step : axis === 'epoch' ? epoch : axis === 'time' ? atMs : (atMs - startMs) / 1000;
    const seen = all.filter(
      (point) => range === null || (place(point) >= range.from && place(point) <= range.to),
    );
    const common = {
      run,
      total: all.length,
      cursor: all.at(-1)!.step,
      xExtent: [place(all[0]!), place(all.at(-1)!)] as const,
    };
    if (seen.length <= RAW_POINTS)
      return { kind: 'raw', ...common, x: seen.map(place), y: seen.map(({ value }) => value) };
    const size = Math.ceil(seen.length / buckets);
    const parts = Array.from({ length: Math.ceil(seen.length / size) }, (_, at) =>
      seen.slice(at * size, (at + 1) * size),
    );
    const values = parts.map((part) => part.map(({ value }) => value));
    return {
      kind: 'buckets',
      ...common,
      x: parts.map((part) => place(part.at(-1)!)),
      min: values.map((part) => Math.min(...part)),
      max: values.map((part) => Math.max(...part)),
      mean: values.map((part) => part.reduce((sum, value) => sum + value, 0) / part.length),
      last: values.map((part) => part.at(-1)!),
      count: values.map(({ length }) => length),
    };
  }
}

const wish: LinesWish = { metric: 'step/loss', runs: ['a', 'b'], axis: 'step', range: null, buckets: 100 };

function opened(studio: SmallStudio) {
  let changes = 0;
  const store = new SeriesStore(clientOver(studio.transport), () => changes++);
  const take = (...events: StudioEvent[]) => store.take({ cursor: '', events });
  return { store, take, changes: () => changes };
}

const answered = async (store: SeriesStore) => {
  while (store.loading) await new Promise((resolve) => setImmediate(resolve));
};
const values = (store: SeriesStore, run: string) => {
  const line = store.whole(run);
  return line === null ? null : [...line.last.subarray(0, line.length)];
};

describe('a series store', () => {
  it('asks once, and appends what comes live without asking again', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1, 2, 3);
    const { store, take, changes } = opened(studio);
    store.ask(wish);
    await answered(store);
    const before = changes();
    take(studio.log('a', 4), studio.log('b', 9), studio.log('other', 7));
    expect([values(store, 'a'), values(store, 'b')]).toEqual([[1, 2, 3, 4], [9]]);
    expect(changes()).toBe(before + 1);
    take({ kind: 'points', run: 'a', points: studio.curves.get('a')! });
    expect(values(store, 'a')).toEqual([1, 2, 3, 4]);
    expect(studio.asked).toHaveLength(1);
  });

  it('neither misses nor doubles points that come while the answer is on its way', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1, 2);
    const { store, take } = opened(studio);
    const open = studio.hold();
    store.ask(wish);
    take({ kind: 'points', run: 'a', points: [studio.curves.get('a')![1]!] }, studio.log('a', 3));
    open();
    await answered(store);
    expect(values(store, 'a')).toEqual([1, 2, 3]);
  });

  it('asks only for runs that it does not hold', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1);
    studio.log('c', 2);
    const { store } = opened(studio);
    store.ask(wish);
    await answered(store);
    store.ask({ ...wish, runs: ['a', 'c'] });
    await answered(store);
    store.ask({ ...wish, runs: ['b'] });
    await answered(store);
    expect(studio.asked.map(({ runs }) => runs)).toEqual([['a', 'b'], ['c']]);
  });

  it('asks for a zoomed part of a long curve, keeps it, and shows the whole meanwhile', async () => {
    const studio = new SmallStudio();
    studio.log('a', ...Array.from({ length: 5000 }, (_, at) => (at === 2222 ? 100 : 0)));
    studio.log('b', 1, 2, 3);
    const { store, take } = opened(studio);
    store.ask(wish);
    await answered(store);
    expect(store.whole('a')?.bucketed).toBe(true);
    const range = { from: 2000, to: 3000 };
    store.ask({ ...wish, range });
    expect(store.inView('a')).toBe(store.whole('a'));
    await answered(store);
    expect(store.inView('a')).toMatchObject({ bucketed: false, length: 1001 });
    expect(store.inView('b')).toBe(store.whole('b'));
    store.ask(wish);
    store.ask({ ...wish, range });
    await answered(store);
    expect(studio.asked.map((asked) => [asked.runs, asked.range])).toEqual([
      [['a', 'b'], null],
      [['a'], range],
    ]);
    take(studio.log('a', 5));
    expect([store.whole('a')?.total, store.inView('a')?.length]).toEqual([5001, 1001]);
  });

  it('places live points on the axis of relative time where the curve began', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1, 2);
    const { store, take } = opened(studio);
    store.ask({ ...wish, axis: 'relative' });
    await answered(store);
    take(studio.log('a', 3), studio.log('b', 8));
    await answered(store);
    take(studio.log('b', 9), studio.log('a', 4));
    const x = (run: string) => [...store.whole(run)!.x.subarray(0, store.whole(run)!.length)];
    expect([x('a'), x('b')]).toEqual([
      [0, 1, 2, 3],
      [0, 1],
    ]);
  });

  it('asks again for a run that was resumed, and remembers where', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1, 2, 3, 4);
    studio.log('b', 1);
    const { store, take } = opened(studio);
    store.ask(wish);
    await answered(store);
    studio.curves.set('a', studio.curves.get('a')!.slice(0, 2));
    take({ kind: 'pointsDropped', run: 'a', afterStep: 2 });
    await answered(store);
    take(studio.log('a', 30));
    expect(values(store, 'a')).toEqual([1, 2, 30]);
    expect(store.gaps('a')).toEqual([2]);
    expect(studio.asked.map(({ runs }) => runs)).toEqual([['a', 'b'], ['a']]);
  });

  it('does not believe an answer that was on its way when the run was resumed', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1, 2, 3, 4);
    const { store, take } = opened(studio);
    const open = studio.hold();
    store.ask({ ...wish, runs: ['a'] });
    studio.curves.set('a', studio.curves.get('a')!.slice(0, 2));
    take({ kind: 'pointsDropped', run: 'a', afterStep: 2 });
    open();
    await answered(store);
    expect(values(store, 'a')).toEqual([1, 2]);
  });

  it('keeps every sample of the machine, though several fall into one long step; and none twice', async () => {
    const studio = new SmallStudio();
    const { store, take } = opened(studio);
    store.ask({ ...wish, metric: 'system/memoryBytes', axis: 'time' });
    await answered(store);
    const sample = (atMs: number, value: number) =>
      ({ metric: 'system/memoryBytes', step: 7, epoch: 0.5, atMs, value }) as const;
    take({ kind: 'points', run: 'a', points: [sample(1000, 1), sample(6000, 2)] });
    take({ kind: 'points', run: 'a', points: [sample(6000, 2), sample(11_000, 3)] });
    expect(values(store, 'a')).toEqual([1, 2, 3]);
  });

  it('does not believe an answer that was on its way when the studio had to begin anew', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1, 2);
    const { store, take } = opened(studio);
    const open = studio.hold();
    store.ask(wish);
    // Nobody is told of this point: it is among what was missed.
    studio.log('a', 3);
    take({ kind: 'reset' });
    open();
    await answered(store);
    expect(values(store, 'a')).toEqual([1, 2, 3]);
    take(studio.log('a', 4));
    expect(values(store, 'a')).toEqual([1, 2, 3, 4]);
  });

  it('tells a failure, and asks again when it is told to; a reset asks for everything', async () => {
    const studio = new SmallStudio();
    studio.log('a', 1);
    studio.failure = 'The studio cannot be reached.';
    const { store, take } = opened(studio);
    store.ask(wish);
    await answered(store);
    expect(store.error?.code).toBe('CONNECTION_LOST');
    studio.failure = null;
    store.retry();
    await answered(store);
    expect([store.error, values(store, 'a')]).toEqual([null, [1]]);
    take({ kind: 'reset' });
    await answered(store);
    expect(studio.asked).toHaveLength(3);
  });

  it('takes as many buckets as there are pixels, half of that for many runs', () => {
    expect([bucketsFor(333, 1), bucketsFor(333, 100), bucketsFor(9999, 1), bucketsFor(1, 1)]).toEqual([
      350, 200, 2000, 100,
    ]);
  });
});
