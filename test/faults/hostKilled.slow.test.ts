/** @file Tests. The headless host as a process: killed while a run trains, started twice, on a port or a file that it cannot have. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStudioDatabase } from '../../main/db/open.ts';
import { createRun, findRun } from '../../main/db/runs.ts';
import { isProcessAlive, processStartTime } from '../../main/files/processIdentity.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import { failedHeadless, type HeadlessHost, openHeadless } from '../support/headlessHost.ts';
import { runEntail } from '../support/runEntail.ts';
import { sampleConfig, sampleEnvironment } from '../support/sampleRun.ts';
import { childrenOf, importTinyPairs, outcomeOf, TINY_FLAGS } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

/** Long enough to be caught with a checkpoint behind it and seconds before it. */
const EPOCHS = 30;

const folder = temporaryFolder();
let host: HeadlessHost;

beforeAll(async () => {
  await buildPagesIfNeeded(() => {});
  await importTinyPairs(folder);
  host = await openHeadless(folder);
});
afterAll(async () => {
  await host.end('SIGTERM');
});

/** Ends the host as a power cut does, and waits until its worker has noticed. */
async function killHost(): Promise<void> {
  const [worker] = childrenOf('training/worker', host.process.pid);
  const started = processStartTime(worker!);
  await host.end('SIGKILL');
  await until(() => !isProcessAlive(worker!, started));
}

describe('a host that is killed while a run trains', () => {
  it('leaves the run interrupted, its queue and what was about to be deleted; the run goes on to the same', async () => {
    const undisturbed = await host.calls.add({ epochs: EPOCHS });
    const expected = outcomeOf(await host.calls.untilState(undisturbed, 'completed'));
    const words = ['train', '--dataset', 'pairs', '--json', ...TINY_FLAGS, '--epochs', String(EPOCHS)];
    const command = runEntail(words, { home: folder });
    const run = await until(
      async () => (await host.calls.ask('queue/show', {})).running[0]?.run ?? '',
      (id) => id !== '',
    );
    const next = await host.calls.add();
    const deleted = await host.calls.add();
    await host.calls.untilSaved(run);
    await host.calls.ask('runs/delete', { ids: [deleted] });
    await killHost();
    // The command that has joined the queue does not wait for ever.
    const { code, stderr } = await command;
    expect(code).toBe(130);
    expect(stderr).toContain(`runs resume ${run}`);

    host = await openHeadless(folder);
    expect((await host.calls.show(run)).state).toBe('interrupted');
    for (const waited of [next, deleted]) await host.calls.untilState(waited, 'completed');
    await host.calls.ask('runs/resume', { run });
    await host.calls.untilState(run, 'running');
    await killHost();

    host = await openHeadless(folder);
    const { notices } = await host.calls.ask('app/info', {});
    expect(notices.join('\n')).toContain(`interrupted while training, and resumable: ${run}`);
    await host.calls.ask('runs/resume', { run });
    expect(outcomeOf(await host.calls.untilState(run, 'completed'))).toEqual(expected);
  });
});

describe('a host that cannot start', () => {
  it('because another one has the directory points to that one', async () => {
    const { code, said } = await failedHeadless(folder);
    expect(code).toBe(1);
    expect(said).toContain(
      `error: A studio (process ${host.process.pid}) is open on ${folder}. It is at ${host.origin}.`,
    );
    expect(said).toContain('next: Use that one');
    // The key stays with whoever started it.
    expect(said).not.toContain('#k=');
  });

  it('because its port is in use says so, and has touched no run that waits', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const own = temporaryFolder();
    const path = join(own, 'studio.db');
    const database = openStudioDatabase(path);
    const queue = { place: 0, threads: null };
    const run = createRun(database, { config: sampleConfig(), environment: sampleEnvironment, queue });
    database.close();
    const { code, said } = await failedHeadless(own, ['--port', String(port)]);
    server.close();
    expect(code).toBe(1);
    expect(said).toContain(`error: Port ${port} is in use by another program.`);
    expect(said).toContain('next: Choose another one with --port');
    const after = openStudioDatabase(path);
    expect(findRun(after, run).state).toBe('queued');
    after.close();
  });

  it('because its studio.db is of a newer version says so, and leaves the file as it is', async () => {
    const own = temporaryFolder();
    const path = join(own, 'studio.db');
    openStudioDatabase(path).close();
    const newer = new Database(path);
    newer.pragma('user_version = 99');
    newer.close();
    const hash = () => createHash('sha256').update(readFileSync(path)).digest('hex');
    const before = hash();
    const { code, said } = await failedHeadless(own);
    expect(code).toBe(1);
    expect(said).toMatch(/error: .*studio\.db was written by a newer Entail \(version 99/);
    expect(said).toMatch(/next: Update Entail/);
    expect(hash()).toBe(before);
  });
});
