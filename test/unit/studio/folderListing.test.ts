/** @file Tests. Folders of the studio's machine, for a page that has no dialog of its own. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, parse } from 'node:path';
import { expect, it } from 'vitest';
import { makeFifo } from '../../support/fifo.ts';
import { callsTo } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

it('shows folders, then files, by name; what cannot be chosen is left out', async () => {
  const folder = temporaryFolder();
  for (const name of ['b', 'a', '.hidden']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'z.csv'), 'four');
  writeFileSync(join(folder, 'B.csv'), '');
  writeFileSync(join(folder, '.secret'), 'x');
  symlinkSync(join(folder, 'a'), join(folder, 'link'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'broken'));
  makeFifo(join(folder, 'pipe'));
  const { ask } = callsTo(openHosted());
  const listing = await ask('files/list', { path: `${folder}/a/..` });
  expect(listing).toEqual({
    path: folder,
    parent: join(folder, '..'),
    cut: false,
    entries: [
      { name: 'a', path: join(folder, 'a'), kind: 'folder', sizeBytes: null },
      { name: 'b', path: join(folder, 'b'), kind: 'folder', sizeBytes: null },
      { name: 'link', path: join(folder, 'link'), kind: 'folder', sizeBytes: null },
      { name: 'B.csv', path: join(folder, 'B.csv'), kind: 'file', sizeBytes: 0 },
      { name: 'z.csv', path: join(folder, 'z.csv'), kind: 'file', sizeBytes: 4 },
    ],
  });
});

it('begins at home, and ends at the root', async () => {
  const { ask } = callsTo(openHosted());
  expect((await ask('files/list', { path: null })).path).toBe(homedir());
  const { root } = parse(homedir());
  expect(await ask('files/list', { path: root })).toMatchObject({ path: root, parent: null });
});

it('shows the first two thousand of more, and says that there are more', async () => {
  const folder = temporaryFolder();
  const names = Array.from({ length: 2001 }, (_, at) => `f${String(at).padStart(4, '0')}`);
  for (const name of names) writeFileSync(join(folder, name), '');
  const { ask } = callsTo(openHosted());
  const { entries, cut } = await ask('files/list', { path: folder });
  expect([entries.map(({ name }) => name), cut]).toEqual([names.slice(0, 2000), true]);
});

it('says what is wrong with a path', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  const { refusal } = callsTo(openHosted());
  expect(await refusal('files/list', { path: join(folder, 'none') })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await refusal('files/list', { path: join(folder, 'file') })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await refusal('files/list', { path: `${folder}\0` })).toMatchObject({ code: 'UNREADABLE' });
  expect(await refusal('files/list', { path: '' })).toMatchObject({ code: 'BAD_INPUT' });
});
