/** @file Benchmarks. Where a step's time goes: by kernel on the device, and how much of the step the device idles. */
import { median } from '../tables.ts';
import { markdownTable } from './markdown.ts';
import type { Findings, ProgramResult } from './results.ts';
import { SIZES } from './sizes.ts';

const SHOWN_KERNELS = 40;

export function profileText({ programs }: Findings): string {
  const profiled = programs.filter(({ profile }) => profile !== null);
  return profiled.map(profileOf).join('\n');
}

function profileOf({ title, size, profile, rounds }: ProgramResult): string {
  const { kernels, starts, stepMs } = profile!;
  const all = Object.entries(kernels);
  const inKernels = all.reduce((sum, [, ms]) => sum + ms, 0);
  const started = Object.values(starts).reduce((sum, count) => sum + count, 0);
  const wallMs = rounds.length === 0 ? stepMs : median(rounds.map(({ ms, steps }) => ms / steps));
  const lines = all
    .slice(0, SHOWN_KERNELS)
    .map(([name, ms]) => [
      name,
      (ms * 1000).toFixed(1),
      (starts[name] ?? 0).toFixed(1),
      `${((100 * ms) / inKernels).toFixed(1)} %`,
    ]);
  const rest = all.slice(SHOWN_KERNELS).reduce((sum, [, ms]) => sum + ms, 0);
  if (rest > 0)
    lines.push(['the others', (rest * 1000).toFixed(1), '', `${((100 * rest) / inKernels).toFixed(1)} %`]);
  return [
    `${SIZES[size].title}, ${title}: ${wallMs.toFixed(3)} ms a step, ${inKernels.toFixed(3)} of them in `,
    `${started.toFixed(0)} kernels one by one, ${Math.max(0, wallMs - inKernels).toFixed(3)} outside `,
    `(with clocks ${stepMs.toFixed(3)} ms a step)\n\n`,
    markdownTable([['kernel', 'µs a step', 'starts', 'share'], ...lines], 1),
  ].join('');
}
