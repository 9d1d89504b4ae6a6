/** @file Tests. Nothing leaves the machine unless a person asks: the headless host and all it starts, watched from first start to a trained run. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import type { Input, RouteName } from '../../shared/contract/contract.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { launchChromium } from '../support/builtPage.ts';
import { type Program, startNode } from '../support/program.ts';
import { rpcCall } from '../support/rpcCall.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const RECORDER = join(import.meta.dirname, '..', 'support', 'recordSockets.ts');
const HEADLESS = join(import.meta.dirname, '..', '..', 'main', 'headless.ts');

interface Recorded {
  readonly pid: number;
  /** A native handle, "listens", "starts" or "watched". */
  readonly kind: string;
  readonly detail: string;
}

/** Starts `node …words` with every socket of it and of its Node children written down. */
function startWatched(words: readonly string[]): { program: Program; recorded: () => Recorded[] } {
  const folder = temporaryFolder();
  const file = join(folder, 'sockets.jsonl');
  const node = join(folder, 'node');
  writeFileSync(file, '');
  writeFileSync(node, `#!/bin/sh\nexec "${process.execPath}" --import "${RECORDER}" "$@"\n`);
  chmodSync(node, 0o755);
  const program = startNode(['--import', RECORDER, ...words], {
    ...{ ENTAIL_TEST_SOCKETS: file, ENTAIL_TEST_NODE: node },
  });
  const recorded = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Recorded]));
  return { program, recorded };
}

const kindsOf = (recorded: readonly Recorded[]) => new Set(recorded.map(({ kind }) => kind));

it('is watched where nothing gets past: every way out is seen, in children and threads too', async () => {
  const script = join(temporaryFolder(), 'ways.mjs');
  writeFileSync(
    script,
    `import { createSocket } from 'node:dgram';
    import { lookup, Resolver } from 'node:dns/promises';
    import { fork } from 'node:child_process';
    import { connect, createServer } from 'node:net';
    import { Worker, isMainThread } from 'node:worker_threads';
    if (process.argv[2] === 'child') connect(1, '127.0.0.1').on('error', () => {});
    else if (!isMainThread) await fetch('http://127.0.0.1:2/').catch(() => {});
    else {
      await lookup('localhost');
      const resolver = new Resolver({ timeout: 1, tries: 1 });
      resolver.setServers(['127.0.0.1:1']);
      await resolver.resolve4('localhost').catch(() => {});
      const socket = createSocket('udp4');
      socket.send('x', 9, '127.0.0.1', () => socket.close());
      connect('/nowhere').on('error', () => {});
      const server = createServer().listen(0, '0.0.0.0', () => setTimeout(() => server.close(), 50));
      new Worker(new URL(import.meta.url));
      fork(process.argv[1], ['child'], { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    }`,
  );
  const { program, recorded } = startWatched([script]);
  expect([await program.ended, program.said]).toEqual([0, '']);
  const kinds = kindsOf(recorded());
  for (const kind of ['GETADDRINFOREQWRAP', 'QUERYWRAP', 'UDPWRAP', 'PIPECONNECTWRAP', 'TCPCONNECTWRAP'])
    expect(kinds).toContain(kind);
  const connects = recorded().filter(({ kind }) => kind === 'TCPCONNECTWRAP');
  expect(connects.map(({ pid }) => pid === program.pid).toSorted()).toEqual([false, true]);
  expect(recorded()).toContainEqual({ pid: program.pid, kind: 'listens', detail: '0.0.0.0' });
});

it('first start, sample, estimate, training, questions and every page: no connection goes out', async () => {
  await buildPagesIfNeeded(() => {});
  const { program, recorded } = startWatched([HEADLESS, '--port', '0', '--data-dir', temporaryFolder()]);
  const [, origin = '', key = ''] = await program.saying(/Entail is at (http:\S+)\/#k=(\S+)\n/);
  const ask = <Name extends RouteName>(route: Name, input: Input<Name>) =>
    rpcCall({ origin, key }, route, input);
  const jobDone = async ({ job }: { job: string }) =>
    await until(
      async () => (await ask('jobs/list', {})).find(({ id }) => id === job)?.state,
      (state) => state !== 'running',
    );

  expect(await ask('app/info', {})).toMatchObject({ empty: true });
  await ask('engines/doctor', { again: true });
  await ask('files/list', { path: null });
  expect(await jobDone(await ask('datasets/importSample', {}))).toBe('done');
  const hyperparameters = hyperparametersSchema.parse({
    ...{ size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen: 32, batchSize: 512 },
    ...{ epochs: 1, workers: 1 },
  });
  const request = { dataset: 'sample', hyperparameters, engine: 'wasm' as const, threads: 1 };
  await ask('estimate/show', { request });
  expect(await jobDone(await ask('estimate/probe', { request }))).toBe('done');
  const run = (await ask('queue/add', { requests: [request], place: 'back' })).ids[0]!;
  const shown = () => ask('runs/show', { run });
  expect((await until(shown, ({ state }) => state === 'completed' || state === 'failed')).error).toBeNull();
  const pair = { premise: 'A dog runs.', hypothesis: 'An animal moves.' };
  await ask('playground/answer', { run, ...pair });
  await ask('playground/attention', { run, ...pair, layer: 0, head: 0 });
  await ask('errors/overview', { run, split: 'test' });

  const browser = await launchChromium();
  const page = await browser.newPage();
  // The test's own limit ends what does not come.
  page.setDefaultTimeout(0);
  const asked = new Set<string>();
  page.on('request', (one) => asked.add(new URL(one.url()).origin));
  const places = ['start', 'runs', `runs/${run}`, 'new', 'queue', 'compare', 'errors', 'playground'];
  for (const place of [...places, 'datasets', 'datasets/sample', 'models', 'engines', 'settings']) {
    const first = asked.size === 0;
    await page.goto(
      first ? `${origin}/#k=${key}&to=${encodeURIComponent(`/${place}`)}` : `${origin}/#/${place}`,
    );
    await page.getByRole('heading').first().waitFor();
  }
  await browser.close();
  expect([...asked]).toEqual([origin]);

  program.signal('SIGTERM');
  expect(await program.ended).toBe(0);
  const all = recorded();
  // Whoever computes was watched, each a process of its own: what looks for GPUs, imports, the probe, the training, the playground.
  const entries = new Set(all.filter(({ kind }) => kind === 'watched').map(({ detail }) => basename(detail)));
  expect([...entries].toSorted()).toEqual([
    ...['a thread', 'adaptersProgram.ts', 'dataWorker.ts', 'headless.ts', 'inferenceWorker.ts', 'worker.ts'],
  ]);
  const outward = all.filter(({ kind }) => kind.endsWith('WRAP'));
  expect(outward).toEqual([]);
  expect(all.filter(({ kind }) => kind === 'listens').map(({ detail }) => detail)).toEqual(['127.0.0.1']);
  // What else is started looks at this machine's hardware and compilers, and at nothing farther away.
  const started = new Set(all.filter(({ kind }) => kind === 'starts').map(({ detail }) => detail));
  const harmless = [
    /^\S*\/node \S*\/main\/\S+\.ts( |$)/,
    /^nvidia-smi --query-gpu=\S+ --format=\S+$/,
    /^\S+( -m pip)? --version( --verbose)?$/,
  ];
  expect([...started].filter((line) => !harmless.some((known) => known.test(line)))).toEqual([]);
});
