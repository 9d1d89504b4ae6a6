/** @file Tests. An engine's test in its real child: whole, cancelled, and beyond its time. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkoutEntries } from '../../../main/entries.ts';
import { type EngineTestOptions, superviseEngineTest } from '../../../main/golden/superviseEngineTest.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const HOUR_MS = 3_600_000;

function options(more: Partial<EngineTestOptions> = {}): EngineTestOptions {
  return {
    entry: checkoutEntries().path('engineTest'),
    environment: {},
    order: {
      kind: 'test',
      engine: 'cpu',
      dataDirectory: temporaryFolder(),
      device: 'cpu',
      threads: null,
      precision: 'fp32',
    },
    signal: new AbortController().signal,
    timeLimitMs: HOUR_MS,
    onProgress: () => {},
    ...more,
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("an engine's test", () => {
  it('compares everything, trains, and tells how far each number is off', { timeout: 300_000 }, async () => {
    const fractions: number[] = [];
    const onProgress = ({ fraction }: { fraction: number }) => fractions.push(fraction);
    const found = await superviseEngineTest(options({ onProgress }));
    expect(found.failure).toBeNull();
    expect(found.engine).toMatchObject({ engine: 'cpu', device: 'cpu' });
    expect(found.goldens.filter(({ passes }) => !passes)).toEqual([]);
    const goldens = new Set(found.goldens.map(({ golden }) => golden));
    for (const golden of ['model_book.json', 'model_dropout.json', 'pretraining_book.json', 'adam.json'])
      expect(goldens).toContain(golden);
    expect(goldens).toContain('steps.json');
    // Numbers were compared, and an engine of single precision is not exact.
    expect(found.goldens.every(({ comparisons }) => comparisons > 0)).toBe(true);
    expect(found.goldens.some(({ relativeError }) => relativeError! > 1e-9)).toBe(true);
    const { training } = found;
    expect(training).toMatchObject({ network: 'small', steps: 20 });
    expect(Math.abs(training!.lossAfter - training!.expectedLossAfter)).toBeLessThan(1e-4);
    expect(training!.pairsPerSecond).toBeGreaterThan(0);
    expect(found.peakMemoryBytes).toBeGreaterThan(1e7);
    expect(found.deviceMemoryBytes).toBeNull();
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBeGreaterThan(0.9);
  });

  it('ends at once when it is cancelled', async () => {
    const stop = new AbortController();
    const cancelled = superviseEngineTest(options({ signal: stop.signal, onProgress: () => stop.abort() }));
    expect((await studioRejectionOf(cancelled)).code).toBe('CANCELLED');
    const before = superviseEngineTest(options({ signal: AbortSignal.abort() }));
    expect((await studioRejectionOf(before)).code).toBe('CANCELLED');
  });

  it('keeps what was compared when its time is up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const onProgress = ({ fraction }: { fraction: number }) => {
      if (fraction > 0) vi.advanceTimersByTime(HOUR_MS);
    };
    const found = await superviseEngineTest(options({ onProgress }));
    expect(found.failure).toMatchObject({ code: 'WORKER_HUNG' });
    expect(found.failure?.message).toContain('3600 s');
    expect(found.goldens.length).toBeGreaterThanOrEqual(1);
    expect(found.training).toBeNull();
  });

  it('throws what keeps the engine from opening', async () => {
    const order = { ...options().order, engine: 'tensorflow' as const };
    const error = await studioRejectionOf(superviseEngineTest(options({ order })));
    expect(error.code).toBe('ENGINE_MISSING');
    expect(error.nextStep).toContain('engines install tensorflow');
  });
});
