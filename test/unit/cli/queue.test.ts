/** @file Tests. `entail queue` where no studio is open: order, pause, and the runs trained here one after another. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimRun } from '../../../main/db/lease.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { setPreference } from '../../../main/db/preferences.ts';
import { takeRequests } from '../../../main/db/runRequests.ts';
import { setState } from '../../../main/db/runState.ts';
import { createRun } from '../../../main/db/runs.ts';
import { acquireFileLock } from '../../../main/files/fileLock.ts';
import type { RunState } from '../../../shared/runs.ts';
import { entailHere, type HereOptions, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { jsonLines, onceSaid, type Ran } from '../../support/runEntail.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let home: string;
const entail = (words: readonly string[], options: Partial<HereOptions> = {}) =>
  entailHere(words, { home, ...options });

async function add(...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await entail(['queue', 'add', ...TINY_RUN, '--json', ...more]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return jsonLines(stdout)[0]!['runId'] as string;
}

interface Listing {
  readonly paused: boolean;
  readonly pausedBy: unknown;
  readonly workedBy: unknown;
  readonly waiting: readonly { readonly id: string; readonly place: number }[];
}

async function listing(): Promise<Listing> {
  return JSON.parse((await entail(['queue', 'list', '--json'])).stdout) as Listing;
}

const waiting = async () => (await listing()).waiting.map(({ id }) => id);

async function stateOf(run: string): Promise<RunState> {
  return (JSON.parse((await entail(['runs', 'show', run, '--json'])).stdout) as { state: RunState }).state;
}

/** A run that this process, which is not the command line, works on; and how it comes to its end. */
function runInWork(state: RunState) {
  const database = openStudioDatabase(join(home, 'studio.db'));
  const run = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
  const lease = claimRun(database, run);
  setState(database, run, state);
  const end = () => {
    setState(database, run, 'stopped');
    lease.release();
    database.close();
  };
  return { run, database, end };
}

describe('the queue', () => {
  beforeEach(async () => {
    home = await homeWithPairs();
  });

  it('keeps runs in the order of adding; --front, move and remove change it, and lists tell it', async () => {
    const ids = [await add('--name', 'first'), await add(), await add('--front')];
    expect(await listing()).toEqual({
      ...{ paused: false, pausedBy: null, continueAfterError: true, workedBy: null, running: [] },
      waiting: [ids[2], ids[0], ids[1]].map((id, at) => expect.objectContaining({ id, place: at + 1 })),
    });
    expect((await entail(['queue', 'move', ids[1]!, '--to', '1'])).stdout).toBe(
      `Run ${ids[1]} waits at place 1.\n`,
    );
    expect(await waiting()).toEqual([ids[1], ids[2], ids[0]]);
    await entail(['queue', 'move', ids[1]!, '--to', '99']);
    await entail(['queue', 'move', ids[0]!, '--to', 'front']);
    expect(await waiting()).toEqual([ids[0], ids[2], ids[1]]);
    const folder = join(home, 'runs', ids[2]!);
    expect(existsSync(folder)).toBe(true);
    const removed = await entail(['queue', 'remove', ids[2]!, '--json']);
    expect(jsonLines(removed.stdout)).toEqual([{ event: 'result', runId: ids[2], deleted: true }]);
    expect(existsSync(folder)).toBe(false);
    const { stdout } = await entail(['queue', 'list']);
    expect(stdout).toMatch(
      /^place +run +name +data set +engine +device +state\n1 +\w+ +first +pairs +wasm +queued\n2 /,
    );
    expect(stdout).toContain('No studio is open: what waits starts when one opens, or here with');
    expect((await entail(['runs', 'list'])).stdout).toMatch(/wasm +queued /);
    const shown = await entail(['runs', 'show', ids[1]!]);
    expect(shown.stdout).toContain(`${ids[1]}: queued\n`);
    expect(shown.stdout).toContain('It waits in the queue, at place 2.');
  });

  it('starts nothing while it is paused', async () => {
    await add();
    expect((await entail(['queue', 'pause'])).stdout).toBe(
      'The queue is paused: nothing more starts; 1 run waits.\n',
    );
    const refused = await entail(['queue', 'run']);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('1 run waits. The queue is paused');
    expect((await entail(['queue', 'list'])).stdout).toContain('Go on: npx --no entail queue resume');
    await entail(['queue', 'resume']);
    expect((await listing()).paused).toBe(false);
  });

  it('does not take a run that waits for one to resume, nor one that has ended for one that waits', async () => {
    const run = await add();
    expect(await entail(['runs', 'resume', run])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Run ${run} waits in the queue, at place 1.`),
    });
    const { run: other, end } = runInWork('running');
    end();
    expect(await entail(['queue', 'remove', other])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Run ${other} does not wait in the queue; it is stopped.`),
    });
  });
});

describe('wrong words', () => {
  beforeAll(async () => {
    home = await homeWithPairs();
    await add();
    await add();
  });

  it.each([
    [['queue', 'remove', 'nothing'], 1, 'There is no run "nothing"'],
    [['queue', 'move', 'r', '--to', 'front'], 2, '"r" could be r'],
    [['queue', 'move', 'r1', '--to', '0'], 2, '--to must be front, back, or a place from 1; "0" is not.'],
    [['queue', 'move', 'r1'], 2, "'--to <PLACE>'"],
    [['queue', 'add', '--dataset', 'none'], 1, 'There are: pairs.'],
    [['queue', 'add', '--dataset', 'pairs', '--epochs', '0'], 2, '--epochs must be 1 to 1000'],
    [['queue', 'ad'], 2, 'Did you mean add?'],
    [['datasets', 'delete', 'pairs', '--yes'], 1, 'trains on "pairs", or waits to'],
  ])('answers %j with exit code %i and what is wrong', async (words, code, said) => {
    const failed = await entail(words);
    expect(failed.stderr).toContain(said);
    expect(failed.stderr).toContain('next: ');
    expect(failed.code).toBe(code);
    expect(await waiting()).toHaveLength(2);
  });
});

describe('a run that another program has paused', () => {
  it('is shown so, and goes on there when it is resumed', async () => {
    home = temporaryFolder();
    const { run, database, end } = runInWork('pausing');
    expect((await entail(['runs', 'list'])).stdout).toMatch(/ pausing /);
    setState(database, run, 'paused');
    expect((await entail(['queue', 'list'])).stdout).toMatch(new RegExp(`^now +${run} .* paused$`, 'm'));
    expect((await entail(['runs', 'show', run])).stdout).toContain(
      `It is paused, with the model loaded. Go on with it: npx --no entail runs resume ${run}`,
    );
    expect(await entail(['runs', 'resume', run, '--devices', 'one'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is paused, and goes on as it is, on its devices'),
    });
    const { code, stdout } = await entail(['runs', 'resume', run]);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('goes on where it trains'),
    });
    expect(takeRequests(database, run)).toEqual(['continue']);
    end();
  });
});

describe('queue run', () => {
  let runs: string[];

  beforeEach(async () => {
    home = await homeWithPairs();
    runs = [await add('--seed', '1'), await add('--seed', '2')];
  });

  const breakFirst = () => rmSync(join(home, 'runs', runs[0]!, 'vocab.json'));
  const lastEvent = ({ stdout }: Ran) => jsonLines(stdout).at(-1);

  it('trains what waits in its order, and ends when nothing does', async () => {
    await entail(['queue', 'move', runs[1]!, '--to', 'front']);
    const ran = await entail(['queue', 'run', '--json']);
    expect(ran.stderr).toBe('');
    expect(ran.code).toBe(0);
    const completed = [runs[1], runs[0]];
    expect(lastEvent(ran)).toEqual({
      ...{ event: 'queueEnd', ended: 'empty', completed, stopped: [], failed: [], waiting: [] },
    });
    const results = jsonLines(ran.stdout).filter(({ event }) => event === 'result');
    expect(results.map(({ runId }) => runId)).toEqual(completed);
    expect(await stateOf(runs[0]!)).toBe('completed');
    expect(await entail(['queue', 'run'])).toEqual({
      code: 0,
      stdout: 'Nothing waits any more.\n',
      stderr: '',
    });
  });

  it('tells a run that cannot be trained and goes on with the next one', async () => {
    breakFirst();
    const ran = await entail(['queue', 'run', '--json']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('vocab.json');
    expect(lastEvent(ran)).toMatchObject({ ended: 'empty', failed: [runs[0]], completed: [runs[1]] });
  });

  it('pauses the queue after a failure where a person wished so', async () => {
    breakFirst();
    const database = openStudioDatabase(join(home, 'studio.db'));
    setPreference(database, 'queue', { continueAfterError: false });
    database.close();
    const ran = await entail(['queue', 'run', '--json']);
    expect(ran.code).toBe(1);
    expect(lastEvent(ran)).toMatchObject({ ended: 'paused', failed: [runs[0]], waiting: [runs[1]] });
    expect(await listing()).toMatchObject({ paused: true, pausedBy: { run: runs[0] } });
    expect((await entail(['queue', 'list'])).stdout).toContain(`because run ${runs[0]} failed: `);
  });

  it('stops the run that trains on Ctrl-C, and starts no other', async () => {
    const long = await add('--epochs', '1000', '--front');
    const ran = await entail(['queue', 'run', '--json'], {
      onOutput: onceSaid('"event":"metrics"', (press: () => void) => press()),
    });
    expect(ran.code).toBe(130);
    expect(lastEvent(ran)).toMatchObject({ ended: 'interrupted', stopped: [long], waiting: runs });
    expect(await stateOf(long)).toBe('stopped');
  });

  it('waits for a run that another program trains on the same device', async () => {
    await entail(['queue', 'remove', runs[1]!]);
    const { run, end } = runInWork('running');
    let told = false;
    const ran = await entail(['queue', 'run'], {
      onOutput: (stdout) => {
        const text = `Run ${runs[0]} waits for cpu, used by run ${run}, process ${process.pid}.\n`;
        if (told || !stdout.includes(text)) return;
        told = true;
        expect(stdout).toBe(text);
        end();
      },
    });
    expect(told).toBe(true);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('1 run finished');
  });

  it('is refused while another one works through the queue, which lists tell', async () => {
    const lock = acquireFileLock(join(home, 'queue.lock'), { purpose: 'queue run' });
    expect(await entail(['queue', 'run'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Process ${process.pid} works through this queue already.`),
    });
    expect((await listing()).workedBy).toBe('command');
    lock.release();
    expect((await listing()).workedBy).toBeNull();
  });
});
