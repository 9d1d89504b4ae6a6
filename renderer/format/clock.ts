/** @file Runs in the page. Moments as people read them: clock times, how long ago, what is left. */
import { formatDuration } from '../table/format.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** "14:32", or "27 Nov 14:32" on another day. */
export function clockTime(atMs: number, nowMs: number): string {
  const sameDay = new Date(atMs).toDateString() === new Date(nowMs).toDateString();
  return sameDay ? clock.format(atMs) : `${day.format(atMs)} ${clock.format(atMs)}`;
}

export function fullTime(atMs: number): string {
  return full.format(atMs);
}

/** "just now", "5 min ago", "27 Nov 14:32" */
export function ago(atMs: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - atMs) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  return clockTime(atMs, nowMs);
}

/** "in 11 min" */
export function inTime(seconds: number): string {
  return `in ${formatDuration(seconds)}`;
}
