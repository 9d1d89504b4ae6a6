/** @file Tests. A program of this project as a process of its own: what it says, as it says it, and its end. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { afterEach } from 'vitest';
import { until } from './until.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const running = new Set<() => void>();

// What a failed test leaves would keep ports, locks and memory.
afterEach(() => {
  for (const kill of running) kill();
  running.clear();
});

export interface Program {
  readonly pid: number;
  /** Everything so far, output and errors together. */
  readonly said: string;
  /** Settles with the match; rejects when the program ends before it has said it. */
  saying(words: RegExp): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Runs `node …words` in the project's folder; killed after the test if it still runs. Variables of null are taken out. */
export function startNode(
  words: readonly string[],
  environment: Readonly<Record<string, string | null>> = {},
): Program {
  const variables = Object.entries({ ...process.env, ...environment }).filter(([, value]) => value !== null);
  const child = spawn(process.execPath, words, {
    cwd: ROOT,
    env: Object.fromEntries(variables) as Record<string, string>,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => void child.kill('SIGKILL');
  running.add(kill);
  let said = '';
  let end: number | null | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve)).then((code) => {
    running.delete(kill);
    end = code;
    return code;
  });
  return {
    pid: child.pid!,
    get said() {
      return said;
    },
    saying: async (words_) => {
      const found = await until(() => words_.exec(said) ?? (end === undefined ? null : 'ended'));
      if (typeof found === 'string') throw new Error(`It ended with ${end} and had said: ${said}`);
      return found!;
    },
    signal: (signal) => void child.kill(signal),
    ended,
  };
}
