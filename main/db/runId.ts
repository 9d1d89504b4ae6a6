/** @file Node. Names of runs: short, typeable, and in the order in which the runs were made. */

/** Crockford's digits: no letter that looks like another digit or letter. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const LENGTH = 5;
/** Ids count in units of this length from 2025 on: five digits last until 2059. */
const UNIT_MS = 32_000;
const FROM_MS = Date.UTC(2025, 0, 1);

/**
 * The id of a run made at `atMs`, after the run `previous` (null when it is the first): "r" and five digits of time.
 * Always greater than `previous` as text, also for several runs in the same half minute or after the clock was set back.
 */
export function nextRunId(previous: string | null, atMs: number): string {
  const byClock = Math.max(0, Math.floor((atMs - FROM_MS) / UNIT_MS));
  const afterPrevious = previous === null ? 0 : numberOf(previous) + 1;
  return `r${digitsOf(Math.max(byClock, afterPrevious))}`;
}

/** What a person typed, as it stands in ids: lower case, o for 0 and i or l for 1 forgiven. */
export function normaliseRunId(typed: string): string {
  const text = typed.trim().toLowerCase();
  return text.slice(0, 1) + text.slice(1).replace(/o/g, '0').replace(/[il]/g, '1');
}

function numberOf(id: string): number {
  return [...id.slice(1)].reduce((sum, digit) => sum * 32 + DIGITS.indexOf(digit), 0);
}

function digitsOf(number: number): string {
  let digits = '';
  for (let rest = number; rest > 0; rest = Math.floor(rest / 32)) digits = DIGITS[rest % 32]! + digits;
  return digits.padStart(LENGTH, '0');
}
