/**
 * @file Runs in the supervisor's process. How a supervised child is started: forked by Node, or as a utility process by
 * Electron, which has no extra pipes, so that the pulse then comes as a message.
 */
import { fork } from 'node:child_process';
import type { Readable } from 'node:stream';
import { HEARTBEAT_DESCRIPTOR } from './heartbeat.ts';

export interface LaunchedChild {
  readonly pid: number | undefined;
  send(message: object): void;
  kill(): void;
}

export interface ChildListeners {
  readonly onMessage: (message: unknown) => void;
  /** The counter of the pulse. */
  readonly onPulse: (counter: number) => void;
  readonly onStderr: (text: string) => void;
  /** Once; `how` in words: "exit code 1", "signal SIGKILL". */
  readonly onClose: (how: string) => void;
}

export type ChildLauncher = (
  entry: string,
  environment: Readonly<Record<string, string>>,
  listeners: ChildListeners,
) => LaunchedChild;

export const launchNode: ChildLauncher = (entry, environment, listeners) => {
  const child = fork(entry, [], {
    env: environment,
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
  });
  child.on('message', listeners.onMessage);
  child.stderr?.on('data', (bytes: Buffer) => listeners.onStderr(bytes.toString('utf8')));
  const pulse = child.stdio[HEARTBEAT_DESCRIPTOR] as Readable;
  pulse.on('data', (bytes: Buffer) => {
    const lines = bytes.toString('utf8').trimEnd().split('\n');
    listeners.onPulse(Number(lines.at(-1)));
  });
  pulse.on('error', () => {});
  child.on('error', (cause) => listeners.onClose(`it could not be started (${cause.message})`));
  child.on('close', (code, signal) =>
    listeners.onClose(signal === null ? `exit code ${code}` : `signal ${signal}`),
  );
  return {
    pid: child.pid,
    // Lost when the child is gone: its end is told anyway.
    send: (message) => {
      if (child.connected) child.send(message, () => {});
    },
    kill: () => child.kill('SIGKILL'),
  };
};

/** One a process, chosen by its entry before anything is started: Electron's main process has another one. */
const chosen: { launcher: ChildLauncher } = { launcher: launchNode };

export function setChildLauncher(launcher: ChildLauncher): void {
  chosen.launcher = launcher;
}

export function launchChild(...parameters: Parameters<ChildLauncher>): LaunchedChild {
  return chosen.launcher(...parameters);
}
