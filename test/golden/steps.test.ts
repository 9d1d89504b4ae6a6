/** @file Runs in tests. Whole training steps of every engine against PyTorch's: losses, norms, final weights. */
import { beforeAll, describe, it } from 'vitest';
import { readGolden } from '../../main/golden/fixtures.ts';
import { compareSteps } from '../../main/golden/stepChecks.ts';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { describeEngines } from './engines.ts';
import { expectNear } from './fixtures.ts';

const fixture = readGolden('steps.json');

describeEngines('training steps', ({ open }) => {
  let factory: AdamVariableFactory;
  beforeAll(async () => {
    factory = await open();
  });

  describe.each(fixture.variants)('$name', (variant) => {
    it('in one piece', () => compareSteps(fixture, { variant, plan: 'whole', factory }, expectNear));
    it('in two micro-batches', () => compareSteps(fixture, { variant, plan: 'split', factory }, expectNear));
  });
});
