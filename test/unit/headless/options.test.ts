/** @file Tests. The words after `studio:headless`: what they mean, and what is said of those that mean nothing. */
import { describe, expect, it } from 'vitest';
import { headlessOptions } from '../../../main/headless/options.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

const parse = (...words: string[]) => headlessOptions(words, () => {});

describe('the words of studio:headless', () => {
  it('have defaults, and mean what they say', () => {
    expect(parse()).toEqual({
      ...{ port: 0, dataDirectory: null, publicOrigins: [], detach: false, stop: false, open: false },
    });
    const words = '--port 8123 --data-dir /d --detach --open --public-origin https://box.example/';
    expect(parse(...words.split(' '), '--public-origin', 'http://localhost:9000')).toEqual({
      ...{ port: 8123, dataDirectory: '/d', detach: true, stop: false, open: true },
      publicOrigins: ['https://box.example', 'http://localhost:9000'],
    });
    expect(parse('--stop')).toMatchObject({ stop: true });
  });

  it.each([
    ['--port', '65536'],
    ['--port', '-1'],
    ['--port', '8e3'],
    ['--port', ''],
    ['--port'],
    ['--public-origin', 'box.example'],
    ['--public-origin', 'https://box.example/path'],
    ['--public-origin', 'https://me@box.example'],
    ['--public-origin', 'https://*.example'],
    ['--public-origin', 'ftp://box.example'],
    ['--public-origin', 'HTTPS://Box.Example'],
    ['--key', 'x'],
    ['extra'],
  ])('refuse %s %s, in one line with what to do', (...words) => {
    const error = studioErrorOf(() => parse(...words));
    expect(error.code).toBe('USAGE');
    expect(error.message).not.toContain('\n');
    expect(error.nextStep).toBe('npm run studio:headless -- --help shows what there is.');
  });

  it('show help with examples when that is asked for, and nothing is started', () => {
    let printed = '';
    expect(
      headlessOptions(['--help'], (text) => {
        printed += text;
      }),
    ).toBeNull();
    for (const word of ['--port', '--data-dir', '--public-origin', '--detach', '--stop', 'Examples:'])
      expect(printed).toContain(word);
  });
});
