/** @file Tests. The measures of the parity gate: differences, answers with ties, and what an export fails by. */
import { expect, it } from 'vitest';
import { Agreement } from '../../../main/export/parity/agreement.ts';
import { barsOf, failuresOf, TIE_MARGIN } from '../../../main/export/parity/bars.ts';
import { Differences } from '../../../main/export/parity/differences.ts';
import type { ParityNumbers } from '../../../shared/exports.ts';

const LABELS = ['entailment', 'contradiction', 'neutral'];
const logits = (...values: number[]) => Float32Array.from(values);

const NUMBERS: ParityNumbers = {
  ...{ pairs: 256, madePairs: 0, shortestTokens: 5, longestTokens: 128, emptyPairs: 1, nonAsciiPairs: 1 },
  ...{ batchSizes: [1, 32], maxDifference: 0, meanDifference: 0, notFinite: 0, histogram: [] },
};

function agreementOf(rows: readonly (readonly [number, Float32Array, Float32Array])[]) {
  const agreement = new Agreement(LABELS, TIE_MARGIN);
  for (const [index, [gold, studio, exported]] of rows.entries())
    agreement.add(index, gold, studio, exported);
  return agreement.summary(rows.length, 'all rows');
}

it('puts each difference into its power of ten, and counts what is no number apart', () => {
  const differences = new Differences();
  differences.add([1, 2, 3, 4, 5], [1, 2 + 2e-6, 3.5, Number.NaN, Number.POSITIVE_INFINITY]);
  const { histogram, maxDifference, meanDifference, notFinite } = differences.summary();
  expect(histogram.filter(({ count }) => count > 0).map(({ from, count }) => [from, count])).toEqual([
    [0, 1],
    [1e-6, 1],
    [0.1, 1],
  ]);
  expect(maxDifference).toBe(0.5);
  expect(meanDifference).toBeCloseTo((0.5 + 2e-6) / 3);
  expect(notFinite).toBe(2);
  expect(histogram.reduce((sum, { count }) => sum + count, 0)).toBe(3);
});

it('counts another answer against it, unless the studio itself had no clear one', () => {
  const agreement = agreementOf([
    [0, logits(2, 1, 0), logits(2, 1, 0)],
    [0, logits(1, 1.00005, 0), logits(1.0001, 1, 0)],
    [1, logits(0, 2, 0), logits(0, 0, 2)],
    [2, logits(0, 0, 1), logits(Number.NaN, Number.NaN, Number.NaN)],
  ]);
  expect(agreement).toMatchObject({ rows: 4, sameAnswer: 1, differingRows: 2 });
  expect(agreement.ties).toMatchObject([{ index: 1, studio: 'contradiction', exported: 'entailment' }]);
  expect(agreement.differing).toMatchObject([
    { index: 2, studio: 'contradiction', exported: 'neutral', margin: 2 },
    { index: 3, studio: 'neutral', exported: 'not a number' },
  ]);
  expect([agreement.studioAccuracy, agreement.exportedAccuracy]).toEqual([0.75, 0.5]);
});

it('judges single precision strictly and rounded weights by their answers', () => {
  const same = agreementOf([[0, logits(2, 1, 0), logits(2, 1, 0)]]);
  const off = { ...NUMBERS, maxDifference: 2e-4, meanDifference: 5e-6 };
  const measured = { numbers: off, agreement: same, tokenizer: null };
  expect(failuresOf(measured, barsOf('onnx', 'fp32'))).toEqual([
    'The largest difference of a logit is 2.00e-4, above 1e-4.',
  ]);
  expect(failuresOf(measured, barsOf('tfjs', 'fp32'))).toEqual([]);
  expect(failuresOf(measured, barsOf('onnx', 'int8'))).toEqual([]);
  const rows = Array.from({ length: 1000 }, (_, at) => {
    return [0, logits(2, 1, 0), at < 4 ? logits(1, 2, 0) : logits(2, 1, 0)] as const;
  });
  const four = { numbers: NUMBERS, agreement: agreementOf(rows), tokenizer: null };
  // 99.6 % agree, which is enough, but 0.4 points of accuracy are lost, which is not.
  expect(failuresOf(four, barsOf('onnx', 'int8'))).toEqual(['It loses 0.40 % accuracy; 0.30 % may be lost.']);
  expect(failuresOf(four, barsOf('hf', 'fp32'))).toHaveLength(2);
});

it('fails by numbers that are none, and by a tokenizer that reads otherwise', () => {
  const agreement = agreementOf([[0, logits(2, 1, 0), logits(2, 1, 0)]]);
  const numbers = { ...NUMBERS, notFinite: 3 };
  expect(
    failuresOf({ numbers, agreement, tokenizer: { sentences: 1000, same: 999 } }, barsOf('hf', 'fp32')),
  ).toEqual(['3 of its logits are no finite numbers.', 'Its tokenizer reads 1 of 1000 sentences otherwise.']);
});
