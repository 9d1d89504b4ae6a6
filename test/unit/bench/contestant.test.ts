/** @file Runs in tests. Programs that take part in a benchmark on a GPU: what they answer, and what they do instead. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Contestant, NotMeasured } from '../../bench/gpu/contestant.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const READY = `{"kind":"ready","device":"cuda:0 stand-in","stepMs":2}`;
const ROUND = `{"kind":"round","steps":4,"pairs":512,"ms":8,"peakMegabytes":10,"batchingMs":null,"recordingMs":null,"loss":1}`;

const started: Contestant[] = [];
afterEach(() => {
  for (const contestant of started.splice(0)) contestant.end();
});

/** A program written in shell: with $1 and further words as given. */
function contestant(script: string, words: readonly string[] = []): Contestant {
  const folder = temporaryFolder();
  const path = join(folder, 'program.sh');
  writeFileSync(path, script);
  const command = { command: 'sh', words: [path, ...words], environment: { SAID: 'in its environment' } };
  started.push(new Contestant(command, join(folder, 'log')));
  return started.at(-1)!;
}

/** No test comes to it: how long a program takes to start is the machine's. */
const LIMIT_MS = 600_000;

describe('a contestant', () => {
  it('prepares, and answers round for round', async () => {
    const one = contestant(
      `echo 'A library says hello'; echo '${READY}'; while read -r order; do echo '${ROUND}'; done`,
    );
    expect((await one.prepare(LIMIT_MS)).device).toBe('cuda:0 stand-in');
    for (const seconds of [1, 2])
      expect(await one.round(seconds, LIMIT_MS)).toMatchObject({ steps: 4, ms: 8 });
  });

  it('is told for how long a round is, in its own environment', async () => {
    const file = join(temporaryFolder(), 'orders');
    const one = contestant(
      `echo '${READY}'; while read -r order; do echo "$order $SAID" >> "$1"; echo '${ROUND}'; done`,
      [file],
    );
    await one.prepare(LIMIT_MS);
    await one.round(0.5, LIMIT_MS);
    expect(readFileSync(file, 'utf8')).toBe('round 0.5 in its environment\n');
  });

  it('that ends without an answer is told with its last words', async () => {
    const one = contestant(`echo 'No module named torch' >&2; exit 3`);
    await expect(one.prepare(LIMIT_MS)).rejects.toThrow('ended with 3: No module named torch');
  });

  it('that is not there is told', async () => {
    const log = join(temporaryFolder(), 'log');
    const one = new Contestant({ command: '/no/such/python', words: [], environment: {} }, log);
    await expect(one.prepare(LIMIT_MS)).rejects.toThrow(/^did not start: .*ENOENT/);
    await expect(one.round(1, LIMIT_MS)).rejects.toThrow(NotMeasured);
  });

  it('that fails says why', async () => {
    const one = contestant(`echo '{"kind":"failed","reason":"CUDA out of memory"}'`);
    await expect(one.prepare(LIMIT_MS)).rejects.toThrow('CUDA out of memory');
  });

  it('that answers with something else is not in step, and is ended', async () => {
    const one = contestant(`echo '${ROUND}'; while read -r order; do echo '${ROUND}'; done`);
    await expect(one.prepare(LIMIT_MS)).rejects.toThrow('answered with round instead of ready');
    await expect(one.round(1, LIMIT_MS)).rejects.toThrow(NotMeasured);
  });

  it('that does not answer is ended after its limit, with what it started', async () => {
    const file = join(temporaryFolder(), 'pid');
    const one = contestant(`sleep 1000 & echo $! > "$1"; echo '${READY}'; wait`, [file]);
    await one.prepare(LIMIT_MS);
    await expect(one.round(1, 100)).rejects.toThrow('took longer than 0.1 s');
    const sleeping = Number(readFileSync(file, 'utf8'));
    await until(() => ['', 'Z', 'X'].includes(stateOf(sleeping)));
  });

  it('that is held does nothing until it is released', async () => {
    const file = join(temporaryFolder(), 'program');
    // It waits without starting programs: a shell that is stopped while one starts is not seen as stopped but as waiting
    // for it ("D"), since the two share their memory until then (vfork).
    const waiting = `echo $$ > "$1.pid"; while [ ! -e "$1.go" ]; do :; done`;
    const one = contestant(`${waiting}; touch "$1.went-on"; echo '${READY}'; read -r order`, [file]);
    const prepared = one.prepare(LIMIT_MS);
    expect(one.isPreparing).toBe(true);
    const pid = Number(await until(() => textOf(`${file}.pid`).trim()));
    one.hold();
    await until(() => stateOf(pid) === 'T');
    writeFileSync(`${file}.go`, '');
    expect(existsSync(`${file}.went-on`)).toBe(false);
    one.release();
    await prepared;
    expect(existsSync(`${file}.went-on`)).toBe(true);
    expect(one.isPreparing).toBe(false);
  });
});

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** As the kernel calls it: "T" is stopped, "Z" has ended and was not waited for; "" is gone. */
const stateOf = (pid: number) => /\) (\w) /.exec(textOf(`/proc/${pid}/stat`))?.[1] ?? '';
