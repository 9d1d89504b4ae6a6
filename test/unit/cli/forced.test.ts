/** @file Tests. Ctrl-C twice ends a command, too, that does not listen. */
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { cliOver } from '../../../main/cli/command.ts';

function commandLine() {
  const signals = new EventEmitter();
  const left: number[] = [];
  const nothing = () => new Writable({ write: (_text, _encoding, done) => done() });
  const streams = { input: Readable.from([]), output: nothing(), errors: nothing(), environment: {} };
  const openStudio = async () => await Promise.reject(new Error('not asked for'));
  const cli = cliOver({ streams, signals, openStudio }, (code) => left.push(code));
  return { cli, left, press: () => signals.emit('SIGINT') };
}

it('a command that does not listen is left behind after the second Ctrl-C', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const { cli, left, press } = commandLine();
  const ran = cli.run({}, async () => await new Promise<never>(() => {}));
  press();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(left).toEqual([]);
  press();
  await vi.advanceTimersByTimeAsync(15_000);
  await ran;
  expect(left).toEqual([130]);
});

it('one that ends by itself after two keeps its own exit code', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const { cli, left, press } = commandLine();
  const ran = cli.run({}, async () => {
    await new Promise((resolve) => setTimeout(resolve, 5000));
    return 7;
  });
  press();
  await vi.advanceTimersByTimeAsync(1000);
  press();
  await vi.advanceTimersByTimeAsync(30_000);
  await ran;
  expect(left).toEqual([7]);
});
