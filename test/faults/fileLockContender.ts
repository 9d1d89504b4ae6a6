/**
 * @file Tests, as a process of its own. `hold`: takes the lock and waits. `contend`: takes and releases it over and
 * over; exits with 1 if it ever meets a living process inside. `ask`: asks over and over whether it is held; exits with
 * 1 if it ever is. All end when their standard input does.
 */
import { appendFileSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { acquireFileLock, isFileLocked } from '../../main/files/fileLock.ts';
import { isProcessAlive, processStartTime } from '../../main/files/processIdentity.ts';

const [path, mode] = process.argv.slice(2) as [string, 'hold' | 'contend' | 'ask'];
const startTime = processStartTime(process.pid);
process.stdin.resume().on('end', () => process.exit(0));

if (mode === 'hold') {
  acquireFileLock(path, { purpose: 'contender' });
  writeSync(1, 'held\n');
} else {
  writeSync(1, 'ready\n');
  setImmediate(mode === 'ask' ? ask : turn);
}

function ask(): void {
  if (isFileLocked(path)) fail('nobody holds it');
  setTimeout(ask, Math.random() * 3);
}

function turn(): void {
  try {
    const lock = acquireFileLock(path, { purpose: 'contender' });
    stayInside();
    lock.release();
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'LOCKED')) throw thrown;
  }
  setTimeout(turn, Math.random() * 3);
}

/** Leaves a mark that no other may see while this process is inside, and counts the turns of all. */
function stayInside(): void {
  const other = read(`${path}.inside`);
  if (other !== '') waitForEnd(other);
  writeFileSync(`${path}.inside`, JSON.stringify({ pid: process.pid, startTime }));
  pause(1);
  const mine = read(`${path}.inside`);
  if (mine === '' || JSON.parse(mine).pid !== process.pid) fail('two holders: somebody else came in');
  // A byte a turn: whoever is killed here cannot take the turns before it away.
  appendFileSync(`${path}.turns`, '.');
  writeFileSync(`${path}.inside`, '');
}

/** The mark of a killed process may be seen before the kernel is done with it; a living one stays. */
function waitForEnd(mark: string): void {
  const { pid, startTime: start } = JSON.parse(mark);
  for (let attempt = 0; isProcessAlive(pid, start); attempt++) {
    if (attempt === 1000) fail(`two holders: process ${pid} is inside as well`);
    pause(5);
  }
}

function fail(why: string): never {
  writeSync(2, `${why}\n`);
  process.exit(1);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
