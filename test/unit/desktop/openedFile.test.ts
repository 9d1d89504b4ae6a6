/** @file Tests. A file of settings that is opened with the desktop: found among words, read, and carried in the address. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOfSettings, settingsFileIn } from '../../../main/desktop/openedFile.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('a file of settings', () => {
  it('is the first word that ends as one, among words of Electron', () => {
    expect(settingsFileIn(['/opt/entail', '--no-sandbox', '--x=y.entail', 'a.csv', 'b.entail'])).toBe(
      'b.entail',
    );
    expect(settingsFileIn(['/opt/entail', '--data-dir', '/data'])).toBeNull();
  });

  it('reaches the page of a new run as it is, whatever is in it', () => {
    const path = join(temporaryFolder(), 'run.entail');
    const text = '{"hyperparameters":{"lr":1e-3},"dataset":"#/?&=ä ☃"}\n';
    writeFileSync(path, text);
    const address = new URL(addressOfSettings(path));
    expect(`${address.protocol}//${address.host}${address.pathname}`).toBe('app://studio/');
    const [page, query] = address.hash.split('?');
    expect({ page, settings: new URLSearchParams(query).get('settings') }).toEqual({
      page: '#/new',
      settings: text,
    });
  });

  it.each<[string, string, (path: string) => void]>([
    ['is not there', 'NOT_FOUND', () => {}],
    ['is a folder', 'UNREADABLE', (path) => mkdirSync(path)],
    ['is too large', 'TOO_LARGE', (path) => writeFileSync(path, ' '.repeat(65 * 1024))],
    ['is an archive', 'BAD_FILE', (path) => writeFileSync(path, Buffer.from([0x50, 0x4b, 3, 4]))],
  ])('that %s is refused', (_, code, make) => {
    const path = join(temporaryFolder(), 'run.entail');
    make(path);
    expect(studioErrorOf(() => addressOfSettings(path)).code).toBe(code);
  });
});
