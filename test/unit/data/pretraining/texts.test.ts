/** @file Tests. Texts as the studio reads, keeps and fetches them, good and bad. */
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildVocabulary } from '../../../../main/data/vocabulary.ts';
import { TextService } from '../../../../main/studio/texts.ts';
import { missingShared, sharedPath } from '../../../support/sharedData.ts';
import { smallDisk } from '../../../support/smallDisk.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { zipBytes } from '../../../support/zipBytes.ts';

const WIKI = ' A cat sat . It slept . Then it woke . \n';
const PLAIN = Array.from({ length: 40 }, (_, at) => `Cat ${at} sat. It slept.\n`).join('\n');

function written(name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

const wikitextZip = () =>
  zipBytes([
    { name: 'wikitext-2/wiki.train.tokens', content: WIKI },
    { name: 'wikitext-2/wiki.valid.tokens', content: ' A dog ran . It fell . \n' },
    { name: 'wikitext-2/wiki.test.tokens', content: ' A bird sang . It flew . \n' },
  ]);

describe('a text', () => {
  it('is divided into a training and a validation part, and found again by its content', async () => {
    const texts = new TextService(temporaryFolder());
    const text = await texts.add(written('notes.txt', PLAIN), null);
    expect(text).toMatchObject({ name: 'notes', layout: 'plain' });
    expect(text.splits.train).toEqual({ paragraphs: 38, sentences: 76, words: 38 * 7 });
    expect(text.splits.dev.paragraphs).toBe(2);
    expect(texts.list()).toEqual([text]);
    const again = await texts.add(written('other-name.txt', PLAIN), null);
    expect(again).toEqual(text);
    const other = await texts.add(written('notes.txt', `${PLAIN}\nOne more. And one.\n`), null);
    expect(other.name).not.toBe('notes');
    const stored = texts.open(text.contentHash);
    expect(stored.paragraphs('train')[1]).toEqual([
      ['cat', '1', 'sat', '.'],
      ['it', 'slept', '.'],
    ]);
    expect(stored.wordCounts().get('slept')).toBe(38);
  });

  it("comes from an archive in WikiText's layout with its own splits", async () => {
    const texts = new TextService(temporaryFolder());
    const text = await texts.add(written('wikitext-2-v1.zip', wikitextZip()), null);
    expect(text).toMatchObject({ name: 'wikitext-2-v1', layout: 'wikitext' });
    expect(text.splits.test).toEqual({ paragraphs: 1, sentences: 2, words: 6 });
  });

  it('of the book has its vocabulary of 20,256 words', async ({ skip }) => {
    const missing = missingShared('data', 'wikitext-2');
    if (missing !== null) skip(missing);
    const texts = new TextService(temporaryFolder());
    const text = await texts.add(sharedPath('data', 'wikitext-2'), null);
    expect(buildVocabulary(texts.open(text.contentHash).wordCounts(), 5).size).toBe(20_256);
    expect(texts.epochSize(text.contentHash, { seed: 0, maxLen: 64 }).pairs).toBeGreaterThan(43_000);
  });

  it('is fetched once, and compared with its sum', async () => {
    const zip = wikitextZip();
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.writeHead(200, { 'content-length': zip.length });
      response.end(zip);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => new Promise<void>((done) => server.close(() => done())));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/wikitext-2-v1.zip`;
    const sha1 = createHash('sha1').update(zip).digest('hex');
    const texts = new TextService(temporaryFolder(), { url, sha1 });
    expect((await texts.find('wikitext-2', null)).name).toBe('wikitext-2');
    await texts.find('wikitext-2', null);
    expect(requests).toBe(1);
    const wrong = new TextService(temporaryFolder(), { url, sha1: '0'.repeat(40) });
    expect(await studioRejectionOf(wrong.download())).toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });
});

describe('refuses', () => {
  it.each([
    ['empty.txt', '', 'BAD_FILE', /is empty/],
    ['blank.txt', '\n \n\n', 'BAD_FILE', /no sentence in/],
    ['alone.txt', 'One sentence.\n\nAnother one.\n', 'BAD_FILE', /no sentence pair/],
    ['image.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 0]), 'BAD_FILE', /not plain text/],
    ['late.txt', `${'A word. Another.\n'.repeat(9000)}\0\n`, 'BAD_FILE', /Line 9001/],
    ['latin1.txt', Buffer.from([0x41, 0x2e, 0x20, 0xe9, 0x0a]), 'BAD_FILE', /UTF-8/],
    ['other.zip', zipBytes([{ name: 'a.txt', content: 'a' }]), 'BAD_FILE', /no wiki\.train\.tokens/],
  ] as const)('%s', async (name, content, code, message) => {
    const home = temporaryFolder();
    const error = await studioRejectionOf(new TextService(home).add(written(name, content), null));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.nextStep).not.toBe('');
    expect(readdirSync(home)).toEqual([]);
  });

  it('a path that is not there, a folder without a text, a name that nobody gave', async () => {
    const texts = new TextService(temporaryFolder());
    expect(await studioRejectionOf(texts.find('/no/such/file.txt', null))).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await studioRejectionOf(texts.add(temporaryFolder(), null))).toMatchObject({ code: 'BAD_FILE' });
    expect(() => texts.require('nothing')).toThrow(/no text "nothing"/);
  });

  it('a full disk, leaving nothing behind', async ({ skip }) => {
    const disk = smallDisk(4);
    if (disk === null) return skip('a file system of its own cannot be mounted here');
    const path = written('notes.txt', PLAIN);
    disk.fill(4096);
    const texts = new TextService(disk.folder);
    expect(await studioRejectionOf(texts.add(path, null))).toMatchObject({ code: 'DISK_FULL' });
    disk.empty();
    expect(texts.list()).toEqual([]);
    expect((await texts.add(path, null)).name).toBe('notes');
  });

  it('a text that was damaged or removed', async () => {
    const home = temporaryFolder();
    const texts = new TextService(home);
    const { contentHash } = await texts.add(written('notes.txt', PLAIN), null);
    const folder = join(home, 'texts', readdirSync(join(home, 'texts'))[0]!);
    writeFileSync(join(folder, 'train.txt'), PLAIN.slice(0, 10));
    expect(() => texts.open(contentHash)).toThrow(/train\.txt/);
    rmSync(folder, { recursive: true });
    expect(() => texts.open(contentHash)).toThrow(/not in the data directory/);
  });
});
