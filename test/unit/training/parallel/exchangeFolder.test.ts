/** @file Tests. The folder in which workers find each other: where there is room, closed to others, swept after a crash. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import {
  makeExchangeFolder,
  removeExchangeFolder,
} from '../../../../main/training/parallel/exchangeFolder.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

it('lies in the first place that has room, and is for this user only', () => {
  const place = temporaryFolder();
  const folder = makeExchangeFolder(1, [join(place, 'missing'), place]);
  expect(dirname(folder)).toBe(place);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  // A path of a socket in there has at most 103 characters on macOS, whose temporary folder has 49.
  expect(folder.length - place.length + '/s'.length + 49).toBeLessThan(103);
  writeFileSync(join(folder, 'memory'), 'x');
  removeExchangeFolder(folder);
  expect(existsSync(folder)).toBe(false);
  removeExchangeFolder(folder);
});

it('lies in the last place where none has room', () => {
  const [first, last] = [temporaryFolder(), temporaryFolder()];
  expect(dirname(makeExchangeFolder(2 ** 60, [first, last]))).toBe(last);
});

it('sweeps what a killed supervisor left, and nothing else', () => {
  const place = temporaryFolder();
  const mine = makeExchangeFolder(1, [place]);
  // A process that there cannot be: Linux numbers them up to four million.
  const left = mine.replace(/-\d+-/, '-4199999-');
  for (const folder of [left, join(place, 'entail-notes')]) mkdirSync(folder);
  writeFileSync(join(left, 'note.json'), '{}');
  const other = makeExchangeFolder(1, [place]);
  const names = [mine, other].map((folder) => folder.slice(place.length + 1));
  expect(readdirSync(place).toSorted()).toEqual([...names, 'entail-notes'].toSorted());
});

it('says so when there is no place for it', () => {
  const nowhere = join(temporaryFolder(), 'missing');
  expect(studioErrorOf(() => makeExchangeFolder(1, [nowhere])).code).toBe('WRITE_FAILED');
});
