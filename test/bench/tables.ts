/** @file Benchmarks. Figures of several rounds, and tables of them. */
import type { EngineFigures } from './engineChild.ts';

/** What every program tells; engines tell more. */
export type Figures = Pick<EngineFigures, 'pairsPerSecond'> & Partial<EngineFigures>;

export interface Row {
  readonly program: string;
  /** Median over the rounds. */
  readonly pairsPerSecond: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: readonly number[];
  readonly evaluatedPairsPerSecond: number | null;
  readonly batchingShare: number | null;
  readonly peakMegabytes: number | null;
  readonly kernels: Readonly<Record<string, number>> | null;
}

export const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** A row with one round more. */
export function rowOf(program: string, before: Row | undefined, figures: Figures): Row {
  const rounds = [...(before?.rounds ?? []), figures.pairsPerSecond];
  return {
    ...{ program, rounds, pairsPerSecond: median(rounds) },
    ...{ least: Math.min(...rounds), most: Math.max(...rounds) },
    evaluatedPairsPerSecond: figures.evaluatedPairsPerSecond ?? before?.evaluatedPairsPerSecond ?? null,
    batchingShare: figures.batchingShare ?? null,
    peakMegabytes: figures.peakMegabytes ?? null,
    kernels: figures.kernels ?? null,
  };
}

export function printTable(rows: readonly Row[]): void {
  const best = (words: RegExp) => rows.find(({ program }) => words.test(program))?.pairsPerSecond ?? null;
  const [padded, tuned] = [best(/^torch padded/), best(/^torch at its best$/)];
  const ratio = (value: number, base: number | null) => (base === null ? '–' : (value / base).toFixed(2));
  const cells = rows.map((row) => [
    row.program,
    ...[row.pairsPerSecond, row.least, row.most].map((value) => value.toFixed(1)),
    ratio(row.pairsPerSecond, padded),
    ratio(row.pairsPerSecond, tuned),
    row.evaluatedPairsPerSecond?.toFixed(0) ?? '–',
    row.peakMegabytes?.toFixed(0) ?? '–',
    row.batchingShare === null ? '–' : `${(row.batchingShare * 100).toFixed(2)} %`,
  ]);
  printAligned([
    ['program', 'pairs/s', 'least', 'most', '× padded', '× best', 'evaluated/s', 'peak MB', 'batching'],
    ...cells,
  ]);
}

export function printProfile({ kernels, pairsPerSecond }: Row): void {
  const entries = Object.entries(kernels ?? {});
  const whole = entries.reduce((sum, [, ms]) => sum + ms, 0);
  const lines = entries.map(([name, ms]) => [name, ms.toFixed(2), `${((ms / whole) * 100).toFixed(1)} %`]);
  printAligned([['kernel', 'ms a step', 'share'], ...lines, ['whole step', whole.toFixed(2), '']]);
  console.log(`${pairsPerSecond.toFixed(1)} pairs/s without clocks in the kernels`);
}

/** The first column to the left, the others to the right. */
export function printAligned(lines: readonly (readonly string[])[]): void {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines) {
    const padded = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    console.log(padded.join('  '));
  }
}
