/** @file Tests. The command line beside an open studio: what it changes of the queue is told to pages, and done. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostedStudio } from '../../../main/studio/hosting.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import type { QueueState } from '../../../shared/contract/queue.ts';
import type { RunDetails } from '../../../shared/contract/runs.ts';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { openHosted, serve } from '../../support/hostedStudio.ts';
import { jsonLines, onceSaid, runEntail } from '../../support/runEntail.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

let home: string;
let studio: HostedStudio;
let told: StudioEvent[];

const entail = (...words: string[]) => entailHere(words, { home });

async function add(...more: string[]): Promise<string> {
  const { stdout } = await entail('queue', 'add', ...TINY_RUN, '--json', ...more);
  return jsonLines(stdout)[0]!['runId'] as string;
}

function openStudioHere(): void {
  studio = openHosted(home);
  const heard: StudioEvent[] = [];
  told = heard;
  studio.events.subscribe(null, ({ events }) => heard.push(...events));
}

async function ask<Answer>(route: string, input: object): Promise<Answer> {
  const result = await studio.dispatch(route, input);
  if (!result.ok) throw new Error(result.error.message);
  return result.value as Answer;
}

/** The queue as a page that listens knows it. */
const shown = (): QueueState | undefined => told.findLast((event) => event.kind === 'queue')?.queue;
const shownIds = () => shown()?.waiting.map(({ id }) => id) ?? [];
const untilShown = (ids: readonly string[]) => until(shownIds, (now) => String(now) === String(ids));
const untilState = (run: string, state: string) =>
  until(
    () => ask<RunDetails>('runs/show', { run }),
    (details) => details.state === state,
  );

describe('a studio that is open', () => {
  beforeEach(async () => {
    home = await homeWithPairs();
    openStudioHere();
  });

  it('hears of every change of its queue, tells pages, and trains in the order that was left', async () => {
    // One of the commands as a person's shell runs it, in a process of its own.
    expect((await runEntail(['queue', 'pause'], { home })).code).toBe(0);
    await until(() => shown()?.paused === true);
    const [a, b, c] = [await add(), await add('--name', 'second'), await add('--front')];
    await untilShown([c, a, b]);
    expect(told).toContainEqual({ kind: 'runs', ids: expect.arrayContaining([c]) });
    await entail('queue', 'move', b, '--to', 'front');
    await untilShown([b, c, a]);
    const removed = await entail('queue', 'remove', c);
    expect(removed.stdout).toContain('is out of the queue');
    await untilShown([b, a]);
    expect(told).toContainEqual({ kind: 'runsDeleted', ids: [c] });
    expect(existsSync(join(home, 'runs', c))).toBe(false);
    const listed = JSON.parse((await entail('queue', 'list', '--json')).stdout) as object;
    expect(listed).toMatchObject({ paused: true, workedBy: 'studio', waiting: [{ id: b }, { id: a }] });
    expect(await ask<QueueState>('queue/show', {})).toMatchObject({ waiting: [{ id: b }, { id: a }] });
    const resumed = await entail('queue', 'resume');
    expect(resumed.stdout).toContain('The studio that is open starts what waits');
    const [last, first] = [await untilState(a, 'completed'), await untilState(b, 'completed')];
    expect(first.finishedAt! <= last.startedAt!).toBe(true);
    await until(() => shown()?.running.length === 0 && shownIds().length === 0);
  });

  it('is left to work through the queue: "queue run" starts nothing beside it', async () => {
    await entail('queue', 'pause');
    const run = await add();
    const { code, stdout } = await entail('queue', 'run', '--json');
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toEqual([
      { event: 'queueEnd', ended: 'studio', completed: [], stopped: [], failed: [], waiting: [run] },
    ]);
  });

  it('is rid of a run, folder and all, that is taken back by Ctrl-C before it began', async () => {
    await entail('queue', 'pause');
    const { code, stderr } = await entailHere(['train', ...TINY_RUN], {
      home,
      onOutput: onceSaid('the run waits in its queue, at place 1', (press: () => void) => press()),
    });
    expect(code).toBe(130);
    expect(stderr).toContain('was taken out of the queue before it began');
    expect(readdirSync(join(home, 'runs'))).toEqual([]);
    expect(await ask('queue/show', {})).toMatchObject({ waiting: [], running: [] });
  });

  it('goes on with a paused run when the command line resumes it', async () => {
    const run = await add('--epochs', '1000');
    await untilState(run, 'running');
    await ask('runs/pause', { run });
    await untilState(run, 'paused');
    expect((await entail('queue', 'list')).stdout).toMatch(new RegExp(`^now +${run} .* paused, \\d`, 'm'));
    expect((await entail('queue', 'pause')).stdout).toContain(`Run ${run} goes on. To stop it too`);
    expect((await entail('runs', 'resume', run)).code).toBe(0);
    await untilState(run, 'running');
    await ask('runs/stop', { run, how: 'now' });
    await untilState(run, 'interrupted');
  });
});

describe('a studio that opens while "queue run" is at work', () => {
  it('goes on with the queue once the run that trains has ended', async () => {
    home = await homeWithPairs();
    const [first, second] = [await add(), await add()];
    const ran = await entailHere(['queue', 'run', '--json'], {
      home,
      onOutput: onceSaid('"event":"started"', openStudioHere),
    });
    expect(ran.code).toBe(1);
    expect(jsonLines(ran.stdout).at(-1)).toMatchObject({ ended: 'studio', completed: [first] });
    await untilState(second, 'completed');
  });
});

describe('entail studio', () => {
  beforeEach(() => {
    home = temporaryFolder();
  });

  it('says how to open one where none is open', async () => {
    const { code, stdout } = await entail('studio');
    expect(code).toBe(0);
    expect(stdout).toContain(`No studio is open on ${home}.`);
    expect(stdout).toContain('$ npm start\n');
    expect((await entail('studio', '--data-dir', home)).stdout).toContain(
      `--detach --data-dir ${JSON.stringify(home)}\n`,
    );
  });

  // Where else than on Linux the configuration folder is, no variable says.
  it.runIf(process.platform === 'linux')('looks where a person agreed that the data should be', async () => {
    const configuration = temporaryFolder();
    const local = temporaryFolder();
    mkdirSync(join(configuration, 'entail'));
    writeFileSync(
      join(configuration, 'entail', 'data-directories.json'),
      JSON.stringify({ instead: { [home]: local } }),
    );
    const environment = { XDG_CONFIG_HOME: configuration };
    const { stdout } = await runEntail(['studio', '--json'], { home, environment });
    expect(JSON.parse(stdout)).toMatchObject({ open: false, dataDirectory: local });
  });

  it('tells where it is, with the key only where a detached one has left the right one', async () => {
    openStudioHere();
    const server = await serve(studio);
    studio.announce({ host: 'headless', url: server.origin });
    const place = { open: true, host: 'headless', pid: process.pid, dataDirectory: home };
    const asked = async () => JSON.parse((await entail('studio', '--json')).stdout) as object;
    expect(await asked()).toEqual({ ...place, url: server.origin });
    expect((await entail('studio')).stdout).toContain('was printed where it was started');
    mkdirSync(join(home, 'logs'));
    const leave = (key: string) =>
      writeFileSync(join(home, 'logs', 'headless.log'), `Entail is at ${server.origin}/#k=${key}\n`);
    leave('of-an-earlier-one');
    expect(await asked()).toEqual({ ...place, url: server.origin });
    leave(server.key);
    expect(await asked()).toEqual({ ...place, url: `${server.origin}/#k=${server.key}` });
  });
});
