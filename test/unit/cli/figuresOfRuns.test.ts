/** @file Tests. Figures of runs as a person reads them: each once, and "selected on test" wherever it applies. */
import { describe, expect, it } from 'vitest';
import { metricLines, settingLines } from '../../../main/cli/runsCompare.ts';
import { epochOf } from '../../../main/cli/runsShow.ts';

const row = (key: string, ...values: readonly (string | number | boolean | null)[]) => ({
  ...{ key, values, differs: true },
});

describe('compared runs', () => {
  it('mark what was selected on test, and leave out what only repeats', () => {
    const lines = metricLines(
      ['r1', 'r2'],
      [
        row('result.testAccuracy', 0.5, 0.25),
        row('result.devAccuracy', null, 0.75),
        row('result.trainAccuracy', null, null),
        row('result.selectedOnTest', true, false),
        row('dev/accuracy', null, 0.625),
        row('test/accuracy', 0.5, 0.25),
      ],
    );
    expect(lines.map((line) => line.split(/\s+/).join(' '))).toEqual([
      'metric r1 r2',
      'result.devAccuracy - 0.75',
      'dev/accuracy - 0.625',
      'test/accuracy 0.5* 0.25',
      '* selected on test',
    ]);
    expect(metricLines(['r1'], [row('test/accuracy', 0.5)]).join()).not.toContain('*');
  });

  it('have short hashes, and no numbers of the store', () => {
    const settings = [row('dataset.id', 1, 2), row('vocabularyHash', 'a'.repeat(64), 'b'.repeat(64))];
    expect(settingLines(['r1', 'r2'], settings)[1]).toBe(
      `vocabularyHash  ${'a'.repeat(12)}  ${'b'.repeat(12)}`,
    );
    expect(settingLines(['r1', 'r2'], settings.slice(0, 1))).toEqual(['The settings are the same.']);
  });
});

describe('the epoch of a checkpoint', () => {
  const checkpoint = {
    step: 8,
    epoch: 0,
    folder: 'c',
    sizeBytes: 1,
    kind: 'best',
    manifestSha256: '',
  } as const;

  it('comes from its step where the plan is known', () => {
    const plan = { stepsPerEpoch: 8, totalSteps: 16, parameters: 1, truncatedPairs: 0 };
    expect([epochOf(checkpoint, plan), epochOf(checkpoint, null)]).toEqual([1, 0]);
  });
});
