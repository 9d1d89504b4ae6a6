/**
 * @file Runs in supervised children. The pulse of a child: a counter that the work raises, and a thread of its own that
 * reports it, since an op or a device read blocks the main thread for as long as it likes.
 */
import { Worker } from 'node:worker_threads';

/** The pipe beside stdio and IPC on which the supervisor listens. */
export const HEARTBEAT_DESCRIPTOR = 4;

export interface Heartbeat {
  /** Work has moved on by one micro-batch, one block of text, one file. */
  beat(): void;
  stop(): Promise<void>;
}

/** `threadFile`: the entry "heartbeat". */
export function startHeartbeat(threadFile: string): Heartbeat {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(threadFile, { workerData: { counter } });
  thread.unref();
  return {
    beat: () => {
      Atomics.add(counter, 0, 1);
    },
    stop: async () => {
      await thread.terminate();
    },
  };
}
