/** @file Tests. The headless host as a process of its own, started as a person starts it on a server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll } from 'vitest';
import { checkoutEntries } from '../../main/entries.ts';
import { StudioCalls } from './studioCalls.ts';

export interface HeadlessHost {
  readonly process: ChildProcess;
  readonly origin: string;
  readonly key: string;
  readonly calls: StudioCalls;
  /** Ends it by a signal, and waits until it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

export interface HostEnd {
  readonly code: number | null;
  readonly said: string;
}

const running = new Set<ChildProcess>();
// What a failed test leaves would go on training, beside every test that follows.
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

interface HostLimits {
  /** KiB of addresses that it, and each of its children, may have. */
  readonly addressesKib?: number;
}

/** Runs until it says where it is, or ends. */
export async function startHeadless(
  dataDirectory: string,
  words: readonly string[] = [],
  { addressesKib }: HostLimits = {},
): Promise<HeadlessHost | HostEnd> {
  const entry = checkoutEntries().path('headless');
  const program = [process.execPath, entry, '--port', '0', '--data-dir', dataDirectory, ...words];
  const limited = ['sh', '-c', `ulimit -v ${addressesKib}; exec "$0" "$@"`, ...program];
  const [command, ...all] = addressesKib === undefined ? program : limited;
  const child = spawn(command!, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let said = '';
  const address = new Promise<RegExpExecArray>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const found = /Entail is at (http:\S+)\/#k=(\S+)\n/.exec(said);
        if (found !== null) resolve(found);
      });
  });
  const first = await Promise.race([address, ended]);
  if (!Array.isArray(first)) return { code: first, said };
  const [, origin = '', key = ''] = first;
  return {
    process: child,
    ...{ origin, key },
    calls: new StudioCalls(async (route, input) => {
      const answer = await fetch(`${origin}/rpc/${route}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
        body: JSON.stringify(input),
      });
      return (await answer.json()) as Awaited<ReturnType<ConstructorParameters<typeof StudioCalls>[0]>>;
    }),
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** One that must start. */
export async function openHeadless(
  dataDirectory: string,
  words: readonly string[] = [],
  limits: HostLimits = {},
): Promise<HeadlessHost> {
  const host = await startHeadless(dataDirectory, words, limits);
  if ('calls' in host) return host;
  throw new Error(`the host ended (${host.code}): ${host.said}`);
}

/** One that must not start. */
export async function failedHeadless(dataDirectory: string, words: readonly string[] = []): Promise<HostEnd> {
  const host = await startHeadless(dataDirectory, words);
  if (!('calls' in host)) return host;
  await host.end('SIGKILL');
  throw new Error('the host has started');
}
