/**
 * @file Runs in supervised children. The pulse of a child: a counter that the work raises, and a thread of its own that
 * reports it, since an op or a device read blocks the main thread for as long as it likes.
 */
import { Worker } from 'node:worker_threads';
import { type ElectronParent, electronParent } from './electronParent.ts';

/** The pipe beside stdio and IPC on which the supervisor listens. */
export const HEARTBEAT_DESCRIPTOR = 4;

const PULSE_MS = 500;

export interface Heartbeat {
  /** Work has moved on by one micro-batch, one block of text, one file. */
  beat(): void;
  stop(): Promise<void>;
}

/** `threadFile`: the entry "heartbeat". */
export function startHeartbeat(threadFile: string): Heartbeat {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const parent = electronParent();
  if (parent !== null) return pulseByMessage(counter, parent);
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

/**
 * A utility process of Electron has no pipe for a thread to write to. Its main thread is free between two micro-batches,
 * which is when the counter has moved: a pulse that comes no sooner judges as well.
 */
function pulseByMessage(counter: Int32Array, parent: ElectronParent): Heartbeat {
  const timer = setInterval(() => parent.postMessage({ pulse: Atomics.load(counter, 0) }), PULSE_MS);
  timer.unref();
  return {
    beat: () => {
      Atomics.add(counter, 0, 1);
    },
    stop: async () => clearInterval(timer),
  };
}
