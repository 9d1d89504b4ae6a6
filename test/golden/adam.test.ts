/** @file Runs in tests. Adam of every engine, on given gradients, against PyTorch's. */
import { beforeAll, it } from 'vitest';
import { compareAdam } from '../../main/golden/adamChecks.ts';
import { readGolden } from '../../main/golden/fixtures.ts';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { describeEngines } from './engines.ts';
import { expectNear } from './fixtures.ts';

const fixture = readGolden('adam.json');

describeEngines('Adam', ({ open, momentTolerance }) => {
  let factory: AdamVariableFactory;
  beforeAll(async () => {
    factory = await open();
  });

  it.each(fixture.cases)('$name', (one) =>
    compareAdam(fixture, one, { factory, momentTolerance, compare: expectNear }),
  );
});
