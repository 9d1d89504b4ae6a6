/** @file Node. Runs another program to its end: captured output, a time limit, cancellable, never through a shell. */
import { spawn } from 'node:child_process';
import { StudioError } from '../../shared/errors.ts';

export interface ProgramOutcome {
  /** null when the program did not start, or was ended by a signal. */
  readonly exitCode: number | null;
  /** Why it did not start ("ENOENT": no such program), or null. */
  readonly startError: string | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

/** Output beyond this is dropped from the front: a compiler can write megabytes of errors. */
const KEPT_CHARACTERS = 256 * 1024;
/** How long a program may take to end after it was asked to. */
const KILL_AFTER_MS = 3_000;

/**
 * Runs `command` with `words` and waits for its end.
 * @throws CANCELLED when the signal fires; the program (and what it started) is then ended first
 */
export async function runProgram(
  command: string,
  words: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramOutcome> {
  if (isStopped(options.signal)) throw cancelled(command);
  const { child, stdout, stderr } = startProgram(command, words, options);
  let timedOut = false;
  let killTimer: NodeJS.Timeout | undefined;
  const end = () => {
    endGroup(child.pid, 'SIGTERM');
    killTimer ??= setTimeout(() => endGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
  };
  const limit =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, options.timeoutMs);
  options.signal?.addEventListener('abort', end);
  process.on('exit', end);
  try {
    const { exitCode, startError } = await ended(child);
    if (isStopped(options.signal)) throw cancelled(command);
    return { exitCode, startError, timedOut, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(limit);
    clearTimeout(killTimer);
    options.signal?.removeEventListener('abort', end);
    process.off('exit', end);
  }
}

function startProgram(command: string, words: readonly string[], { environment, onOutput }: ProgramOptions) {
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    // Its own group, so that what it starts (pip's children, the compiler's passes) can be ended with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  return { child, stdout: collect(child.stdout, onOutput), stderr: collect(child.stderr, onOutput) };
}

function collect(
  stream: NodeJS.ReadableStream,
  onOutput: ((text: string) => void) | undefined,
): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_CHARACTERS);
    onOutput?.(chunk);
  });
  return () => text;
}

function ended(
  child: ReturnType<typeof spawn>,
): Promise<{ exitCode: number | null; startError: string | null }> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ exitCode: null, startError: error.code ?? error.message }),
    );
    child.once('close', (exitCode) => resolve({ exitCode, startError: null }));
  });
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It is gone already.
  }
}

function cancelled(command: string): StudioError {
  return new StudioError('CANCELLED', `Stopped while running ${command}, as asked.`);
}

const isStopped = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** The last lines of what a program said, for a person: where its error stands. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
