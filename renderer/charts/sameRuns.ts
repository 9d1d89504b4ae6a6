/** @file Runs in the page. Runs as they are drawn, the very same objects while nothing of them changes: then nothing is drawn again. */
import type { ChartRun } from './chartLines.ts';

/** `next`, with what `before` says already in its place; `before` itself when all is the same. */
export function keepingSame(before: readonly ChartRun[], next: readonly ChartRun[]): readonly ChartRun[] {
  const known = new Map(before.map((run) => [run.id, run]));
  const kept = next.map((run) => {
    const old = known.get(run.id);
    return old !== undefined && isSame(old, run) ? old : run;
  });
  const isWhole = kept.length === before.length && kept.every((run, at) => run === before[at]);
  return isWhole ? before : kept;
}

function isSame(one: ChartRun, other: ChartRun): boolean {
  return (Object.keys(other) as (keyof ChartRun)[]).every((key) => one[key] === other[key]);
}
