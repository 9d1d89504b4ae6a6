/** @file Runs as a thread of a supervised child: tells the supervisor how far the work is, and ends an orphan. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { HEARTBEAT_DESCRIPTOR } from './heartbeat.ts';

const EVERY_MS = 500;

function report(counter: Int32Array): void {
  try {
    writeSync(HEARTBEAT_DESCRIPTOR, `${Atomics.load(counter, 0)}\n`);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    // A full pipe means that the supervisor is busy, anything else that it is gone: nobody would store the work.
    if (code !== 'EAGAIN') process.kill(process.pid, 'SIGKILL');
  }
}

if (workerData !== null) {
  const { counter } = workerData as { counter: Int32Array };
  report(counter);
  setInterval(() => report(counter), EVERY_MS);
}
