/** @file Tests. Figures of an evaluation, against numbers worked out by hand; and the pace of a run. */
import { expect, it } from 'vitest';
import { argMax, summarise } from '../../../main/training/evaluation.ts';
import { Pace } from '../../../main/training/pace.ts';

const labels = ['entailment', 'contradiction', 'neutral'];
const place = { split: 'test', step: 4, epoch: 1, labels } as const;

it('counts the confusion matrix and derives every figure from it', () => {
  // gold:      0    0    1    1    2    2 ; predicted: 0 1 1 1 0 2
  const values = new Float32Array([
    0.8, 0.1, 0.1, 0.2, 0.5, 0.3, 0, 1, 0, 0.1, 0.6, 0.3, 0.4, 0.3, 0.3, 0.1, 0.1, 0.8,
  ]);
  const losses = Float64Array.from([1, 2, 3, 4, 5, 6]);
  const found = summarise({ values, losses, seconds: 2 }, Int32Array.from([0, 0, 1, 1, 2, 2]), place);
  expect(found.confusion).toEqual([
    [1, 1, 0],
    [0, 2, 0],
    [1, 0, 1],
  ]);
  expect(found).toMatchObject({ accuracy: 4 / 6, loss: 3.5, pairs: 6, pairsPerSecond: 3 });
  expect(found.perClass).toEqual([
    { label: 'entailment', precision: 0.5, recall: 0.5, f1: 0.5, support: 2 },
    { label: 'contradiction', precision: 2 / 3, recall: 1, f1: 0.8, support: 2 },
    { label: 'neutral', precision: 1, recall: 0.5, f1: 2 / 3, support: 2 },
  ]);
  expect(found.macroF1).toBeCloseTo((0.5 + 0.8 + 2 / 3) / 3, 12);
});

it('gives 0, not NaN, to a class that is never there', () => {
  const found = summarise(
    { values: new Float32Array([1, 0, 0]), losses: Float64Array.of(0), seconds: 1 },
    Int32Array.of(0),
    place,
  );
  expect(found.perClass[2]).toEqual({ label: 'neutral', precision: 0, recall: 0, f1: 0, support: 0 });
  expect(found.macroF1).toBeCloseTo(1 / 3, 12);
});

it('takes the lower label in a tie', () => {
  expect(argMax([0.2, 0.4, 0.4])).toBe(1);
});

it('estimates the rest of a run from its steps, evaluations and saves', () => {
  const pace = new Pace({
    stepsPerEpoch: 10,
    epochs: 2,
    trainPairs: 1000,
    selectionPairs: 100,
    testPairs: 200,
    evaluateEvery: 0,
  });
  expect(pace.etaSeconds(0, 0)).toBeNull();
  for (let step = 0; step < 5; step++) pace.step(2);
  expect(pace.pairsPerSecond).toBe(50);
  pace.evaluated(100, 1);
  pace.saved(3);
  // 15 steps of 2 s, 2 evaluations of 100 pairs and a test of 200 at 10 ms a pair, 2 saves of 3 s
  expect(pace.etaSeconds(5, 0)).toBeCloseTo(30 + 4 + 6, 9);
});
