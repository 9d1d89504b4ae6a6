/** @file Tests. An engine compared with PyTorch as a job of the studio: nothing beside it on the device, a report, cancel. */
import { expect, it } from 'vitest';
import { callsTo } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';

const SLOWEST_MS = 600_000;

it('leaves a report to copy, and lets nothing else measure meanwhile', { timeout: SLOWEST_MS }, async () => {
  const calls = callsTo(openHosted());
  const { job } = await calls.ask('engines/report', { engine: 'cpu' });
  for (const route of ['engines/report', 'engines/test'] as const)
    expect(await calls.refusal(route, { engine: 'cpu' })).toMatchObject({ code: 'LOCKED' });
  const { title, state, outcome } = await calls.ended(job);
  expect({ title, state }).toEqual({ title: 'Compare cpu with PyTorch', state: 'done' });
  expect(outcome).toMatchObject({ kind: 'reportEngine', engine: 'cpu', passes: true });
  expect(outcome).toHaveProperty('report', expect.stringContaining('# Engine `cpu` on cpu\n'));

  const again = await calls.ask('engines/report', { engine: 'cpu' });
  await calls.ask('jobs/cancel', { id: again.job });
  const cancelled = await calls.ended(again.job);
  expect(cancelled).toMatchObject({ state: 'cancelled', outcome: { report: null, passes: null } });
});
