/** @file Runs anywhere. Numbers as a person reads them: counts, sizes, durations, shares. Pure functions. */

/** 549367 -> "549,367" */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** "1 pair", "2 pairs" */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 1234567 -> "1.2 MB"; decimal units, as disks and downloads count. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0
    ? countOf(bytes, 'byte')
    : `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** 3725 -> "1 h 02 min", 65 -> "1 min 05 s", 4.2 -> "4 s" */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole} s`;
}

/** 0.1234 -> "12.3 %" */
export function shareText(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** Three decimals, as the book prints losses and accuracies; "-" where there is none. */
export function threeDecimals(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}
