/** @file Tests. Runs the real command line as a child process, as a person at a shell or a script would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

const ROOT = dirname(dirname(import.meta.dirname));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The data directory, through ENTAIL_HOME. */
  readonly home: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of the Node that runs the launcher. */
  readonly nodeOptions?: readonly string[];
  /** Called with everything written so far, whenever there is more. */
  readonly onOutput?: (stdout: string, child: ChildProcess) => void;
  /** As a shell starts it on a terminal: with a process group of its own, to which Ctrl-C goes as a whole. */
  readonly ownGroup?: boolean;
}

/** Runs `entail …words`. Neither its input nor its output is a terminal. */
export async function runEntail(
  words: readonly string[],
  { home, environment, nodeOptions = [], onOutput, ownGroup = false }: RunOptions,
): Promise<Ran> {
  const child = spawn(process.execPath, [...nodeOptions, join(ROOT, 'bin', 'entail.js'), ...words], {
    cwd: ROOT,
    env: { ...process.env, ENTAIL_HOME: home, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput?.(stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}

/**
 * For `onOutput`: acts as soon as these words were said, and once. Whoever presses Ctrl-C whenever there is more output
 * presses it again later, which ends a command at once instead of in good order.
 */
export function onceSaid<Hands extends unknown[]>(words: string, act: (...hands: Hands) => void) {
  let said = false;
  return (stdout: string, ...hands: Hands): void => {
    if (said || !stdout.includes(words)) return;
    said = true;
    act(...hands);
  };
}

/** The objects of JSON lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
