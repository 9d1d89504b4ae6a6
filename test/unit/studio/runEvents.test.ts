/** @file Tests. When pages are told that a run's row has changed: not at every point, but at the first of a metric. */
import { expect, it } from 'vitest';
import { RunEvents } from '../../../main/studio/runEvents.ts';
import type { MetricName, WorkerReport } from '../../../shared/runs.ts';

const metrics = (step: number, ...names: MetricName[]): WorkerReport => ({
  kind: 'metrics',
  points: names.map((metric) => ({ metric, step, epoch: 0.1, atMs: step, value: 1 })),
});

it('the row changes with the first point of each metric, and with every figure of the table', () => {
  const events = new RunEvents('r7f3k2');
  const changesRow = (...reports: WorkerReport[]) => events.of(reports).some(({ kind }) => kind === 'runs');
  expect(changesRow(metrics(1, 'step/loss', 'step/accuracy'))).toBe(true);
  expect(changesRow(metrics(2, 'step/loss', 'step/accuracy'))).toBe(false);
  // The machine is measured every few seconds, also while the run waits: its charts are there from then on.
  expect(changesRow(metrics(3, 'step/loss'), metrics(3, 'system/memoryBytes'))).toBe(true);
  expect(changesRow(metrics(4, 'system/memoryBytes'))).toBe(false);
  expect(changesRow(metrics(5, 'dev/accuracy'))).toBe(true);
  expect(changesRow(metrics(6, 'dev/accuracy'))).toBe(true);
});
