/** @file Tests. Makes a named pipe, for which Node has no call. */
import { spawnSync } from 'node:child_process';

/** A FIFO at this path. Not on Windows. @throws Error when it cannot be made. */
export function makeFifo(path: string): void {
  const { status, stderr } = spawnSync('sh', ['-c', 'mkfifo "$0"', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`no FIFO at ${path}: ${stderr}`);
}
