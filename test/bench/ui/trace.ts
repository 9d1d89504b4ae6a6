/** @file Benchmarks. What a page's main thread does, from Chromium's own trace. */
import type { Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly args?: { readonly name?: string };
}

/** Milliseconds. */
export interface MainThread {
  /** Every task, longest first. What software draws on a canvas is part of the tasks. */
  readonly tasks: readonly number[];
  /** Script, garbage, style and layout, together; drawing is not in it. */
  readonly computed: number;
}

const COMPUTING =
  /^(FunctionCall|RunMicrotasks|TimerFire|FireAnimationFrame|EventDispatch|EvaluateScript|v8\.evaluateModule|MinorGC|MajorGC|V8\.GC_MC_INCREMENTAL|UpdateLayoutTree|Layout|PrePaint|Paint|Layerize)$/;

export async function traceMainThread(page: Page, act: () => Promise<void>): Promise<MainThread> {
  const session = page.context().browser();
  if (session === null) throw new Error('Only a browser that was launched can be traced.');
  await session.startTracing(page, { categories: ['toplevel', '__metadata', 'devtools.timeline'] });
  await act();
  const { traceEvents } = JSON.parse((await session.stopTracing()).toString('utf8')) as {
    traceEvents: readonly TraceEvent[];
  };
  const threads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}.${tid}`),
  );
  const events = traceEvents.filter(({ ph, pid, tid }) => ph === 'X' && threads.has(`${pid}.${tid}`));
  const tasks = events
    .filter(({ name }) => name === 'ThreadControllerImpl::RunTask')
    .map(({ dur = 0 }) => dur / 1000);
  if (tasks.length === 0) throw new Error('The trace has no task of the main thread.');
  tasks.sort((one, other) => other - one);
  return { tasks, computed: covered(events.filter(({ name }) => COMPUTING.test(name))) / 1000 };
}

/** Microseconds in which at least one of the events went on: they lie inside each other. */
function covered(events: readonly TraceEvent[]): number {
  let [sum, reached] = [0, 0];
  for (const { ts, dur = 0 } of [...events].sort((one, other) => one.ts - other.ts)) {
    sum += Math.max(0, ts + dur - Math.max(ts, reached));
    reached = Math.max(reached, ts + dur);
  }
  return sum;
}
