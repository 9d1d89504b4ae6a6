/** @file Runs in tests. Twenty training steps of a network that both sides draw: every engine's losses against PyTorch's. */
import { beforeAll, expect, it } from 'vitest';
import { readGolden } from '../../main/golden/fixtures.ts';
import { trainSteps } from '../../main/golden/trainingSteps.ts';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { describeEngines } from './engines.ts';
import { expectNear } from './fixtures.ts';

const small = readGolden('training.json').cases.find(({ name }) => name === 'small')!;

describeEngines('twenty steps', ({ name: engine, open }) => {
  let factory: AdamVariableFactory;
  beforeAll(async () => {
    factory = await open();
  });

  it('have the losses that PyTorch has', async () => {
    const fractions: number[] = [];
    const onStep = (fraction: number) => fractions.push(fraction);
    const trained = await trainSteps(small, { engine, factory, compare: expectNear, onStep });
    expect(trained).toMatchObject({ network: 'small', steps: 20, pairsPerStep: 12 });
    expect(trained.lossAfter).toBeLessThan(trained.lossBefore);
    expect(fractions.length).toBeGreaterThanOrEqual(20);
    expect([fractions[0], fractions.at(-1)]).toEqual([0, 0.95]);
  });
});
