/** @file Tests. What is seen of a training run: the book's two lines, and honesty about what was chosen on test labels. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { durationText, sizeText } from '../../../main/cli/figures.ts';
import { Terminal } from '../../../main/cli/terminal.ts';
import { bookLines, TrainingView } from '../../../main/cli/trainingView.ts';
import { sampleResult, startedReport } from '../../support/sampleRun.ts';

describe('the end of a run', () => {
  it("is the book's two lines", () => {
    const result = {
      ...sampleResult,
      trainLoss: 0.5194,
      trainAccuracy: 0.791,
      testAccuracy: 0.784,
      pairsPerSecond: 8778.94,
      selectedOnTest: false,
    };
    expect(bookLines(result, 'cuda:0')).toEqual([
      'loss 0.519, train acc 0.791, test acc 0.784',
      '8778.9 examples/sec on [cuda:0]',
    ]);
    expect(bookLines({ ...result, selectedOnTest: true }, 'cpu')[0]).toMatch(
      /test acc 0\.784 \(selected on test\)$/,
    );
    expect(bookLines({ ...result, testAccuracy: null }, 'cpu')[0]).toMatch(/test acc -$/);
  });
});

describe('the live line', () => {
  it('shows epoch, step, the running means, speed and the time left', () => {
    const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 200 });
    const streams = {
      input: new PassThrough(),
      output,
      errors: new PassThrough(),
      environment: { NO_COLOR: '1' },
    };
    const view = new TrainingView(new Terminal(streams, { json: false }), { epochs: 2 });
    view.take(startedReport());
    const at = { step: 5, epoch: 0.5, atMs: 0 };
    view.take({
      kind: 'metrics',
      points: [
        { metric: 'running/loss', value: 1.0986, ...at },
        { metric: 'running/accuracy', value: 0.25, ...at },
      ],
    });
    view.take({
      kind: 'progress',
      step: 5,
      totalSteps: 20,
      epoch: 0.5,
      phase: 'training',
      etaSeconds: 75,
      pairsPerSecond: 812.3,
    });
    expect(output.read()).toContain(
      'epoch 1/2  step 5/20 ████░░░░░░░░░░░░  loss 1.099  acc 0.250  812 pairs/s  1 min 15 s left',
    );
  });
});

describe('figures', () => {
  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [3725, '1 h 02 min'],
  ])('%d seconds are %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

  it.each([
    [1, '1 byte'],
    [999, '999 bytes'],
    [1234567, '1.2 MB'],
    [94_550_081, '95 MB'],
  ])('%d bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));
});
