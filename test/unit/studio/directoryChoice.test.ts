/** @file Tests. Another data directory from the next start on: chosen, remembered outside of it, refused, taken back. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  directoryChoice,
  openDirectoryChoice,
  rememberDirectory,
  rememberedDirectory,
} from '../../../main/studio/directoryChoice.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let folder: string;
let pointer: string;
let usual: string;
beforeEach(() => {
  folder = temporaryFolder();
  pointer = join(folder, 'config', 'data-directories.json');
  usual = join(folder, 'usual');
});

describe('a chosen data directory', () => {
  it('counts from the next start on, and is made when it is not there', () => {
    const choice = openDirectoryChoice(usual, pointer);
    expect(choice.next()).toBe(usual);
    choice.choose(join(folder, 'other', 'place'));
    expect(existsSync(join(folder, 'other', 'place'))).toBe(true);
    expect(choice.next()).toBe(join(folder, 'other', 'place'));
    expect(rememberedDirectory(usual, pointer)).toBe(join(folder, 'other', 'place'));
  });

  it('is taken back by choosing the usual place, or none', () => {
    const choice = openDirectoryChoice(usual, pointer);
    for (const back of [usual, null]) {
      choice.choose(join(folder, 'other'));
      choice.choose(back);
      expect(choice.next()).toBe(usual);
    }
    expect(JSON.parse(readFileSync(pointer, 'utf8'))).toEqual({ instead: {} });
  });

  it('leaves what is remembered of other places alone', () => {
    rememberDirectory('/net/home', '/local/home', pointer);
    openDirectoryChoice(usual, pointer).choose(join(folder, 'other'));
    expect(rememberedDirectory('/net/home', pointer)).toBe('/local/home');
  });

  it.each([
    ['not a whole path', 'somewhere/else', 'USAGE'],
    ['below a file', null, 'WRITE_FAILED'],
  ])('is refused when it is %s, and nothing changes', (_, path, code) => {
    mkdirSync(usual);
    writeFileSync(join(folder, 'file'), '');
    const choice = openDirectoryChoice(usual, pointer);
    const error = studioErrorOf(() => choice.choose(path ?? join(folder, 'file', 'below')));
    expect(error.code).toBe(code);
    expect(error.nextStep).not.toBe('');
    expect(choice.next()).toBe(usual);
  });

  it('is forgotten with a file that cannot be read', () => {
    openDirectoryChoice(usual, pointer).choose(join(folder, 'other'));
    writeFileSync(pointer, '{ "instead"');
    expect(rememberedDirectory(usual, pointer)).toBe(usual);
  });
});

it.each([
  ['/given', {}, '--data-dir'],
  [null, { ENTAIL_HOME: '/home' }, 'ENTAIL_HOME'],
])('is settled by %s and %j already', (given, environment, settledBy) => {
  const choice = directoryChoice(usual, given, environment);
  expect(choice).toMatchObject({ settledBy });
  expect(choice.next()).toBe(usual);
  expect(studioErrorOf(() => choice.choose(folder)).code).toBe('USAGE');
});
