/** @file Node. Who holds something: a process, told apart from later ones with the same number. */
import { hostname } from 'node:os';
import { isProcessAlive, processStartTime } from '../files/processIdentity.ts';

export interface ProcessOwner {
  readonly pid: number;
  /** As `processStartTime` says it; null where the system does not tell. */
  readonly processStarted: string | null;
  readonly host: string;
}

/**
 * How long a process on another machine (or in another container) may be silent before it counts as gone. Its pid
 * means nothing here, so its heartbeat, due every few seconds, is all there is to go by.
 */
export const OTHER_HOST_SILENCE_MS = 120_000;

/** This process. */
export function thisProcess(): ProcessOwner {
  return { pid: process.pid, processStarted: processStartTime(process.pid), host: hostname() };
}

export function isSameProcess(one: ProcessOwner, other: ProcessOwner): boolean {
  return one.pid === other.pid && one.processStarted === other.processStarted && one.host === other.host;
}

/** Whether `owner`, last heard of at `heartbeatAt` (ISO time), still runs; `now` in milliseconds since 1970. */
export function isOwnerAlive(owner: ProcessOwner, heartbeatAt: string, now = Date.now()): boolean {
  if (owner.host === hostname()) return isProcessAlive(owner.pid, owner.processStarted);
  return now - Date.parse(heartbeatAt) < OTHER_HOST_SILENCE_MS;
}
