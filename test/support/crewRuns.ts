/** @file Tests. Runs that several processes train, held against the same run in one. */
import { expect } from 'vitest';
import type { WorkerReport } from '../../shared/runs.ts';
import type { ExchangeName } from './crewForTests.ts';
import { type PreparedRun, train, weightsOf } from './trainedRun.ts';

/** Of a gradient, as a share of its tensor's largest value. */
const GRADIENT_TOLERANCE = 1e-6;
export const LOSS_TOLERANCE = 1e-5;

export async function finished(
  run: PreparedRun,
  exchange: ExchangeName | null,
): Promise<readonly WorkerReport[]> {
  const attempt = train(run, { exchange });
  expect(await attempt.done).toMatchObject({ outcome: 'finished' });
  return attempt.reports;
}

/** The first moment after one step is a fixed share of the gradient: (1 - β₁) times. -> by parameter */
export async function gradientsOf(run: PreparedRun, exchange: ExchangeName | null) {
  await finished(run, exchange);
  return new Map([...weightsOf(run)].filter(([name]) => name.startsWith('first ')));
}

/** What is added to all keys of a query changes no attention: these gradients are rounding alone. */
const IS_ZERO = /W_k\.bias$/;

export function expectSameGradients(one: ReadonlyMap<string, Float32Array>, many: typeof one): void {
  expect([...many.keys()]).toEqual([...one.keys()]);
  for (const [name, values] of one) {
    if (IS_ZERO.test(name)) continue;
    const other = many.get(name)!;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const apart = values.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
    expect(apart, name).toBeLessThanOrEqual(GRADIENT_TOLERANCE * largest);
  }
}
