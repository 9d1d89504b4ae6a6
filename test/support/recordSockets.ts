/**
 * @file Tests, loaded before a program by `node --import`: writes down, a JSON line each, what the program and all its
 * Node children open towards the outside. It listens below every library, where Node makes its native handles, so that
 * nothing written in JavaScript gets past it. ENTAIL_TEST_SOCKETS is the file; ENTAIL_TEST_NODE is what children are
 * started with instead of Node, because the studio strips NODE_OPTIONS from what it starts.
 */
import { createHook } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['ENTAIL_TEST_SOCKETS'] ?? '';
process.execPath = process.env['ENTAIL_TEST_NODE'] ?? process.execPath;

function write(kind: string, detail: string): void {
  appendFileSync(file, `${JSON.stringify({ pid: process.pid, kind, detail })}\n`);
}

/** Native handles of everything that leaves a process, by Node's own names. */
const OUTWARD: ReadonlySet<string> = new Set([
  ...['TCPCONNECTWRAP', 'PIPECONNECTWRAP', 'UDPSENDWRAP', 'UDPWRAP'],
  ...['GETADDRINFOREQWRAP', 'GETNAMEINFOREQWRAP', 'QUERYWRAP'],
]);

interface Handle {
  readonly getsockname?: (name: { address?: string }) => number;
  readonly address?: string;
  readonly hostname?: string;
}

createHook({
  init: (_, type, __, resource) => {
    const handle = resource as Handle;
    if (OUTWARD.has(type)) write(type, String(handle.hostname ?? handle.address ?? ''));
    // Its address is known once it listens.
    else if (type === 'TCPSERVERWRAP')
      setImmediate(() => {
        const name: { address?: string } = {};
        handle.getsockname?.(name);
        write('listens', name.address ?? 'nowhere');
      });
  },
}).enable();

subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess };
  process.nextTick(() => write('starts', child.spawnargs.join(' ')));
});
write('watched', isMainThread ? (process.argv[1] ?? '') : 'a thread');
