/** @file Tests. What is written on terminals, to files and for scripts; and Ctrl-C pressed once, twice, or echoed. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tellFailure } from '../../../main/cli/failure.ts';
import { Interruption } from '../../../main/cli/interruption.ts';
import { bar, confusionLines, histogramLines, tableLines } from '../../../main/cli/tables.ts';
import { printable, type Streams, Terminal } from '../../../main/cli/terminal.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';

/** Streams that remember what was written; `tty` makes them say that they are a terminal. */
function streams({
  tty = false,
  environment = {},
}: {
  tty?: boolean;
  environment?: Record<string, string>;
} = {}) {
  const make = () => Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: tty, columns: 40 });
  const [input, output, errors] = [make(), make(), make()];
  const all: Streams = { input, output, errors, environment };
  return { all, input, written: () => String(output.read() ?? ''), told: () => String(errors.read() ?? '') };
}

describe('a terminal', () => {
  it('shows live lines and colours where they belong', () => {
    const { all, written } = streams({ tty: true });
    const terminal = new Terminal(all, { json: false });
    terminal.showLive('working');
    terminal.line(terminal.paint('bold', 'done'));
    expect(written()).toBe('\r\u001b[2Kworking\r\u001b[2K\u001b[1mdone\u001b[0m\n');
  });

  it('cuts a live line that would wrap', () => {
    const { all, written } = streams({ tty: true });
    new Terminal(all, { json: false }).showLive('x'.repeat(100));
    expect(written()).toBe(`\r\u001b[2K${'x'.repeat(39)}`);
  });

  it.each([
    ['NO_COLOR', { tty: true, environment: { NO_COLOR: '1' } }],
    ['no terminal', {}],
    ['a dumb terminal', { tty: true, environment: { TERM: 'dumb' } }],
  ])('has no colours with %s', (_, setting) => {
    expect(new Terminal(streams(setting).all, { json: false }).paint('red', 'text')).toBe('text');
  });

  it('writes nothing but JSON lines with --json, even on a terminal', () => {
    const { all, written, told } = streams({ tty: true });
    const terminal = new Terminal(all, { json: true });
    terminal.line('for people');
    terminal.showLive('live');
    terminal.event('progress', { step: 1 });
    terminal.document([1, 2]);
    expect(written()).toBe('{"event":"progress","step":1}\n[1,2]\n');
    expect(told()).toBe('');
  });

  it('asks before deleting, and takes anything but yes for a no', async () => {
    for (const [typed, answer] of [
      ['y\n', true],
      ['YES\n', true],
      ['\n', false],
      ['sure\n', false],
    ] as const) {
      const { all, input, written } = streams({ tty: true });
      const asked = new Terminal(all, { json: false }).confirm('Delete it?', { yes: false });
      input.write(typed);
      expect(await asked).toBe(answer);
      expect(written().includes('Nothing was deleted')).toBe(!answer);
    }
  });

  it('takes Ctrl-D for a no, and Ctrl-C for the end of the command', async () => {
    const ended = streams({ tty: true });
    const no = new Terminal(ended.all, { json: false }).confirm('Delete it?', { yes: false });
    ended.input.write('\u0004');
    expect(await no).toBe(false);
    expect(ended.written()).toContain('\nNothing was deleted.\n');
    const pressed = streams({ tty: true });
    const terminal = new Terminal(pressed.all, { json: false });
    const cancelled = terminal.confirm('Delete it?', { yes: false });
    pressed.input.write('\u0003');
    const error = await studioRejectionOf(cancelled);
    expect(tellFailure(terminal, error)).toBe(130);
    expect(pressed.told()).toBe('error: Nothing was done.\n');
    expect(pressed.written().match(/\n/g)).toHaveLength(1);
  });

  it('deletes nothing unasked where nobody can be asked', async () => {
    const quiet = new Terminal(streams().all, { json: false });
    expect(await studioRejectionOf(quiet.confirm('Delete it?', { yes: false }))).toMatchObject({
      code: 'USAGE',
    });
    expect(await quiet.confirm('Delete it?', { yes: true })).toBe(true);
  });
});

describe('printable', () => {
  it('makes visible what would steer a terminal or turn text around', () => {
    expect(printable('a\u001b[31mb\u202ec\u0007\r')).toBe('a\\u001b[31mb\\u202ec\\u0007\\u000d');
    expect(printable('naïve 日本 😀\ttab')).toBe('naïve 日本 😀\ttab');
  });
});

describe('tables', () => {
  it('align numbers to the right', () => {
    const lines = tableLines(
      [{ title: 'name' }, { title: 'rows', right: true }],
      [
        ['a', '1'],
        ['long name', '1,000'],
      ],
    );
    expect(lines).toEqual(['name        rows', 'a              1', 'long name  1,000']);
  });

  it('draw bars in eighths; anything above nothing is seen', () => {
    expect([bar(0, 4), bar(0.001, 4), bar(0.5, 4), bar(1, 4), bar(2, 4)]).toEqual([
      '',
      '▏',
      '██',
      '████',
      '████',
    ]);
    expect(
      histogramLines(
        [
          { label: '1-8', count: 2 },
          { label: '9+', count: 4 },
        ],
        4,
      ),
    ).toEqual(['1-8  2  ██', ' 9+  4  ████']);
  });

  it('have gold labels in rows and predictions in columns', () => {
    expect(
      confusionLines(
        ['yes', 'no'],
        [
          [5, 1],
          [2, 10],
        ],
      ),
    ).toEqual(['gold \\ predicted  yes  no', 'yes                 5   1', 'no                  2  10']);
  });
});

describe('Ctrl-C', () => {
  // Two signals are one press or two by the time between them, which a busy machine would decide.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('once stops; its echoes from npm and the launcher are the same press', () => {
    const source = new EventEmitter();
    const interruption = new Interruption(source);
    source.emit('SIGINT');
    vi.advanceTimersByTime(200);
    source.emit('SIGINT');
    vi.advanceTimersByTime(200);
    source.emit('SIGINT');
    expect([interruption.stop.aborted, interruption.kill.aborted]).toEqual([true, false]);
  });

  it('twice ends at once, and afterwards the signals are given back', () => {
    const source = new EventEmitter();
    const interruption = new Interruption(source);
    source.emit('SIGTERM');
    // Longer than the time within which signals count as one press.
    vi.advanceTimersByTime(400);
    source.emit('SIGINT');
    expect(interruption.kill.aborted).toBe(true);
    interruption.end();
    expect(source.eventNames()).toEqual([]);
  });
});
