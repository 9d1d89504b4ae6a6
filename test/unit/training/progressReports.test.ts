/** @file Tests. Progress is told often enough, not at every step, and never leaves out a phase or the end. */
import { expect, it } from 'vitest';
import { freshState } from '../../../main/training/loopState.ts';
import { Pace } from '../../../main/training/pace.ts';
import { ProgressReports } from '../../../main/training/progressReports.ts';
import type { WorkerReport } from '../../../shared/runs.ts';

const pace = new Pace({
  ...{ stepsPerEpoch: 50, epochs: 2, trainPairs: 500, selectionPairs: 10, testPairs: 10 },
  evaluateEvery: 0,
});

it('tells the first step, each change of phase and the last step, whatever happens in between', () => {
  const told: WorkerReport[] = [];
  const progress = new ProgressReports((report) => told.push(report), { stepsPerEpoch: 50, totalSteps: 100 });
  const at = (step: number) => ({
    ...freshState(),
    epoch: Math.floor(step / 50),
    stepInEpoch: step % 50,
    step,
  });
  for (let step = 1; step <= 50; step++) progress.tell(at(step), 'training', pace);
  progress.tell(at(50), 'evaluating', pace);
  progress.tell(at(50), 'saving', pace);
  for (let step = 51; step <= 100; step++) progress.tell(at(step), 'training', pace);
  const places = told.map((report) => (report.kind === 'progress' ? `${report.phase} ${report.step}` : ''));
  expect(places[0]).toBe('training 1');
  for (const place of ['evaluating 50', 'saving 50', 'training 51', 'training 100'])
    expect(places).toContain(place);
  // A hundred steps took far less than a tenth of a second each.
  expect(told.length).toBeLessThan(50);
  expect(told.at(-1)).toMatchObject({ epoch: 2, totalSteps: 100 });
});
