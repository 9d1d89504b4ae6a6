/** @file Tests. Several runs on one terminal: who says what can be told, by people and by scripts. */
import { Readable, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { runScreen } from '../../../main/cli/runScreen.ts';
import { Terminal } from '../../../main/cli/terminal.ts';
import { jsonLines } from '../../support/runEntail.ts';

function terminal(options: { json: boolean; isTTY?: boolean }) {
  const written = { text: '' };
  const output = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        written.text += String(chunk);
        done();
      },
    }),
    { isTTY: options.isTTY === true },
  );
  const input = Readable.from([]);
  return { written, terminal: new Terminal({ input, output, errors: output, environment: {} }, options) };
}

it('a run that is alone writes as it always did; among others each line bears its name', () => {
  const { written, terminal: shown } = terminal({ json: false });
  const crowd = { isCrowded: false };
  const screen = runScreen(shown, 'r7f3k2', () => crowd.isCrowded);
  screen.line('epoch 0.20');
  crowd.isCrowded = true;
  screen.line('epoch 0.40');
  expect(written.text).toBe('epoch 0.20\nr7f3k2  epoch 0.40\n');
});

it('a line that is drawn over itself belongs to a run that is alone', () => {
  const { written, terminal: shown } = terminal({ json: false, isTTY: true });
  const crowd = { isCrowded: true };
  const screen = runScreen(shown, 'r7f3k2', () => crowd.isCrowded);
  expect(screen.live).toBe(false);
  screen.showLive('step 1');
  expect(written.text).toBe('');
  crowd.isCrowded = false;
  expect(screen.live).toBe(true);
  screen.showLive('step 2');
  expect(written.text).toContain('step 2');
});

it('events for scripts always say which run they are of', () => {
  const { written, terminal: shown } = terminal({ json: true });
  runScreen(shown, 'r7f3k2', () => false).event('progress', { step: 1 });
  expect(jsonLines(written.text)).toEqual([{ event: 'progress', run: 'r7f3k2', step: 1 }]);
});
