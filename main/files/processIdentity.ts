/**
 * @file Node. Tells one process from another that got the same number later: after a crash or a reboot a pid alone
 * says nothing.
 */
import { readFileSync } from 'node:fs';
import { systemCode } from './fileErrors.ts';

/**
 * When a process started, as text that is equal for the same process only: the boot's id and the clock ticks since
 * then. Null when there is no such process (one that has ended but is not yet collected counts as gone), and on
 * systems without /proc.
 */
export function processStartTime(pid: number): string | null {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (startTicks === undefined || state === 'Z' || state === 'X') return null;
  const boot = readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown boot';
  return `${boot}/${startTicks}`;
}

/** Whether a process was started by another one, or by one that it started; it is its own descendant. False without /proc. */
export function isDescendantOf(pid: number, ancestor: number): boolean {
  for (let current = pid; current > 0; ) {
    if (current === ancestor) return true;
    const stat = readProc(`/proc/${current}/stat`);
    current = stat === null ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  return false;
}

/**
 * Whether the process that had this start time still runs. Where start times cannot be had (`startTime` null, or no
 * /proc), a living process of that number is the best answer there is.
 */
export function isProcessAlive(pid: number, startTime: string | null): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const now = processStartTime(pid);
  if (now !== null) return startTime === null || now === startTime;
  return !isGoneOrEnded(pid);
}

/** Without a start time: asks the kernel, and on Linux looks whether the process has ended without being collected. */
function isGoneOrEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    // Somebody else's process may not be signalled, but it is there.
    return systemCode(thrown) !== 'EPERM';
  }
  return readProc(`/proc/${pid}/stat`) !== null;
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
