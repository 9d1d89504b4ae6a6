/** @file Tests. Names of columns and values as a person reads them. */
import { describe, expect, it } from 'vitest';
import { metricBetter, metricKind, metricName, settingName } from '../../../../renderer/table/columnNames.ts';
import {
  formatBytes,
  formatCell,
  formatDelta,
  formatDuration,
  formatMean,
  formatNumber,
} from '../../../../renderer/table/format.ts';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [3e-5, '3e-5'],
    [1e-4, '1e-4'],
    [0.001, '0.001'],
    [0.512345, '0.5123'],
    [512, '512'],
    [9824, '9,824'],
    [1204.4, '1,204'],
    [12_345, '12,345'],
    [-0.5, '−0.5'],
    [4294967295, '4,294,967,295'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '−∞'],
  ])('%d is %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('have the precision of their kind', () => {
    expect(formatCell('percent', 0.8193)).toBe('81.9');
    expect(formatMean('percent', 0.8193, 0.0021)).toBe('81.9 ± 0.2');
    expect(formatMean('number', 0.51234, 0.01234)).toBe('0.5123 ± 0.012');
    expect(formatMean('number', 0.51234, null)).toBe('0.5123');
    expect(formatMean('loss', 0.5, 0.0124)).toBe('0.500 ± 0.012');
    expect(formatDelta('loss', -0.02981)).toBe('−0.030');
    expect(formatDelta('loss', -8e-5)).toBe('±0');
    expect(formatDelta('number', -7e-5)).toBe('−7e-5');
    expect(formatDelta('number', 568.83)).toBe('+569');
    expect(formatDelta('percent', 0.033)).toBe('+3.3');
    expect(formatDelta('percent', -0.005)).toBe('−0.5');
    expect(formatDelta('percent', 0.0001)).toBe('±0');
    expect(formatDuration(4.25)).toBe('4.3 s');
    expect(formatDuration(3900)).toBe('65 min');
    expect(formatDuration(9000)).toBe('2 h 30 min');
    expect(formatBytes(1_234_000_000)).toBe('1.2 GB');
    expect(formatCell('tags', [])).toBe('–');
    expect(formatCell('boolean', false)).toBe('no');
  });
});

describe('names', () => {
  it.each([
    ['hyperparameters.lr', 'Learning rate'],
    ['dataset.name', 'Data set'],
    ['tokenizer', 'Tokenizer'],
    ['model.dropout', 'Dropout (model)'],
    ['environment.gitCommit', 'Git commit (environment)'],
  ])('%s is %s', (key, name) => {
    expect(settingName(key)).toBe(name);
  });

  it.each([
    ['test/accuracy', 'Test accuracy', 'percent', 'higher'],
    ['best/dev/accuracy', 'Best dev accuracy', 'percent', 'higher'],
    ['result/trainLoss', 'Final training loss', 'loss', 'lower'],
    ['system/memoryBytes', 'System memory', 'bytes', null],
    ['epoch/seconds', 'Epoch seconds', 'duration', 'lower'],
    ['dev/macroF1', 'Dev macro F1', 'percent', 'higher'],
  ])('%s is %s', (key, name, kind, better) => {
    expect([metricName(key), metricKind(key), metricBetter(key)]).toEqual([name, kind, better]);
  });
});
