/** @file Benchmarks. What is measured, against the bar that it is measured by. */

export interface UiFigure {
  readonly what: string;
  /** 95th percentile, or the one value. */
  readonly value: number;
  readonly median: number;
  readonly bar: number;
  readonly unit: 'ms' | '%' | 'requests';
  readonly note?: string;
}

export const ROUNDS = 20;

export function figureOf(
  what: string,
  values: readonly number[],
  { bar, unit = 'ms', note }: { bar: number; unit?: UiFigure['unit']; note?: string },
): UiFigure {
  const sorted = [...values].sort((one, other) => one - other);
  const place = Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.95) - 1);
  const figure = { what, value: sorted[place]!, median: sorted[sorted.length >> 1]!, bar, unit };
  return note === undefined ? figure : { ...figure, note };
}

/** Calls `act` so many times, one after the other. */
export async function repeated(act: (round: number) => Promise<number>, rounds = ROUNDS): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) values.push(await act(round));
  return values;
}
