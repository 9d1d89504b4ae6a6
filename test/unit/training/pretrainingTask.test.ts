/** @file Tests. Steps of pretraining: they learn, micro-batches change nothing, and clipping shortens the step. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type OpenEngine, openEngine } from '../../../main/engines/registry.ts';
import { makePretraining, pretrainingSteps } from '../../support/smallTask.ts';

/** `cpu` is plain JavaScript, and the machine may have other work. */
const SLOWEST_MS = 300_000;

let opened: OpenEngine;

beforeEach(async () => {
  opened = await openEngine('cpu', { dataDirectory: '' });
});

describe('a step', { timeout: SLOWEST_MS }, () => {
  it('reports both losses, what was right, how many there were, and learns', async () => {
    const task = makePretraining({ dropout: 0 }, opened.adamVariables);
    const readings = await pretrainingSteps(task, 100_000, 30);
    const [first, last] = [readings[0]!, readings[29]!];
    const [loss, nextCorrect, norm, maskedLoss, maskedCorrect, masked, nextLoss, pairs] = first;
    expect([masked, pairs]).toEqual([24, 24]);
    expect(loss! / pairs!).toBeCloseTo(maskedLoss! / masked! + nextLoss! / pairs!, 4);
    expect(nextCorrect).toBeLessThanOrEqual(24);
    expect(maskedCorrect).toBeLessThanOrEqual(24);
    expect(norm).toBeGreaterThan(0);
    expect(last[3]!).toBeLessThan(0.5 * maskedLoss!);
    expect(last[6]!).toBeLessThan(nextLoss!);
    task.dispose();
  });

  it('is the same whatever the micro-batches, dropout included', async () => {
    const [whole, parts] = [1, 2].map(() => makePretraining({ dropout: 0.3 }, opened.adamVariables));
    const one = await pretrainingSteps(whole!, 100_000, 3);
    const many = await pretrainingSteps(parts!, 40, 3);
    for (let step = 0; step < 3; step++)
      one[step]!.forEach((value, at) => {
        expect(Math.abs(value - many[step]![at]!)).toBeLessThan(2e-4 * Math.max(1, Math.abs(value)));
      });
    for (const task of [whole!, parts!]) task.dispose();
  });

  it('moves by the clipped gradient', async () => {
    // The second step of Adam tells: the first divides by the gradient's own size.
    const free = await pretrainingSteps(makePretraining({ dropout: 0 }, opened.adamVariables), 100_000, 4);
    const clipped = await pretrainingSteps(
      makePretraining({ dropout: 0, clipNorm: 0.01 }, opened.adamVariables),
      100_000,
      4,
    );
    expect(clipped[0]).toEqual(free[0]);
    expect(clipped[3]).not.toEqual(free[3]);
  });
});
