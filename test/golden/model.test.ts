/** @file Runs in tests. Forward and backward pass of every engine against the golden networks. */
import { beforeAll, describe, expect, it } from 'vitest';
import { relativeDistance } from '../../main/golden/comparison.ts';
import { NETWORKS_WITH_DROPOUT, PLAIN_NETWORKS, readGolden } from '../../main/golden/fixtures.ts';
import {
  compareGradients,
  compareLayers,
  compareLosses,
  comparePrediction,
  PLANS,
} from '../../main/golden/networkChecks.ts';
import { describeEngines } from './engines.ts';
import { expectNear } from './fixtures.ts';

const LAST_LAYERS = [{ lastLayer: 'all' }, { lastLayer: 'first' }] as const;

describeEngines('the network', ({ open, masksByPlace }) => {
  beforeAll(async () => {
    await open();
  });

  describe.each(masksByPlace ? [...PLAIN_NETWORKS, ...NETWORKS_WITH_DROPOUT] : PLAIN_NETWORKS)(
    '%s',
    (file) => {
      const fixture = readGolden(file);

      it('gives every layer and the logits', () => compareLayers(fixture, expectNear));

      describe.each(LAST_LAYERS)('last layer: $lastLayer', ({ lastLayer }) => {
        it.each(PLANS)('gives loss and gradients $plan', ({ parts }) =>
          compareGradients(fixture, { lastLayer, parts }, expectNear),
        );
      });
    },
  );

  it.each(PLAIN_NETWORKS)('%s: predicts the logits', (file) =>
    comparePrediction(readGolden(file), expectNear),
  );

  it.each(PLAIN_NETWORKS)('%s: gives losses with class weights and label smoothing', (file) =>
    compareLosses(readGolden(file), expectNear),
  );
});

describe('the comparison itself', () => {
  it('measures by the largest expected value and never overlooks NaN', () => {
    expect(relativeDistance([1, 2, -4.4], [1, 2, -4])).toBeCloseTo(0.1, 12);
    expect(relativeDistance([1, Number.NaN, 3], [1, 2, 3])).toBeNaN();
    expect(relativeDistance([0.5], [0])).toBe(0.5);
  });
});
