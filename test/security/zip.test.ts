/** @file Tests. Zip archives: what is read, and the ten ways of doing harm that are refused (Z1 to Z10). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openZip } from '../../main/files/zip.ts';
import { BAD_ZIPS } from '../fixtures/bad/zips.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { STREAMED, type ZipPart, zipBytes } from '../support/zipBytes.ts';

const folder = temporaryFolder();
let files = 0;

function written(parts: readonly ZipPart[]): string {
  const path = join(folder, `${files++}.zip`);
  writeFileSync(path, zipBytes(parts));
  return path;
}

async function contentOf(path: string, name: string): Promise<Buffer> {
  const zip = await openZip(path);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of zip.stream(name)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } finally {
    zip.close();
  }
}

const text = 'gold_label\tsentence1\n'.repeat(20_000);

describe('an honest archive', () => {
  it('gives stored and deflated entries, in order, without folders, as often as asked', async () => {
    const path = written([
      { name: 'snli_1.0/', method: 0, mode: 0o040755 },
      { name: 'snli_1.0/train.txt', content: text, flags: STREAMED },
      { name: 'snli_1.0/README.txt', content: 'read me', method: 0 },
      { name: 'snli_1.0/Icon\r', content: '', method: 0 },
      { name: '__MACOSX/snli_1.0/._Icon\r', content: 'x' },
    ]);
    const zip = await openZip(path);
    expect(zip.entries.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['snli_1.0/train.txt', text.length],
      ['snli_1.0/README.txt', 7],
      ['snli_1.0/Icon\r', 0],
      ['__MACOSX/snli_1.0/._Icon\r', 1],
    ]);
    zip.close();
    expect((await contentOf(path, 'snli_1.0/train.txt')).toString()).toBe(text);
    expect((await contentOf(path, 'snli_1.0/README.txt')).toString()).toBe('read me');
    expect((await contentOf(path, 'snli_1.0/Icon\r')).length).toBe(0);
  });

  it('may be left in the middle of an entry, and read again', async () => {
    const zip = await openZip(written([{ name: 'a.txt', content: text }]));
    for await (const chunk of zip.stream('a.txt')) {
      expect((chunk as Buffer).length).toBeGreaterThan(0);
      break;
    }
    let sizeBytes = 0;
    for await (const chunk of zip.stream('a.txt')) sizeBytes += (chunk as Buffer).length;
    expect(sizeBytes).toBe(text.length);
    zip.close();
  });

  it('says so when an entry is not there', async () => {
    const zip = await openZip(written([{ name: 'a.txt', content: 'a' }]));
    expect(() => zip.stream('__proto__')).toThrow(/has no entry/);
    zip.close();
  });
});

describe('an archive that is refused', () => {
  it.each(BAD_ZIPS)('%s', async (_, bytes, words) => {
    const path = join(folder, `${files++}.zip`);
    writeFileSync(path, bytes);
    const error = await studioRejectionOf(openZip(path));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(words);
    expect(error.nextStep).not.toBe('');
    expect(error.place?.file).toMatch(/\.zip$/);
  });
  it('but a small entry may be packed as tightly as it likes', async () => {
    const small = written([{ name: 'a', content: Buffer.alloc(1 << 20) }]);
    expect((await contentOf(small, 'a')).length).toBe(1 << 20);
  });
  it('one that would unpack to more than the cap', async () => {
    const path = written([
      { name: 'a', content: text },
      { name: 'b', content: text },
    ]);
    const error = await studioRejectionOf(openZip(path, { maxTotalBytes: text.length * 2 - 1 }));
    expect(error.code).toBe('BAD_FILE');
    (await openZip(path, { maxTotalBytes: text.length * 2 })).close();
  });
  it('one that is no archive, is cut off, is empty, is not there', async () => {
    const path = join(folder, 'no.zip');
    for (const bytes of [
      Buffer.from('hello'),
      Buffer.alloc(0),
      zipBytes([{ name: 'a', content: text }]).subarray(0, 300),
    ]) {
      writeFileSync(path, bytes);
      expect((await studioRejectionOf(openZip(path))).code).toBe('BAD_FILE');
    }
    expect((await studioRejectionOf(openZip(join(folder, 'none.zip')))).code).toBe('NOT_FOUND');
    expect((await studioRejectionOf(openZip(folder))).code).toBe('UNREADABLE');
  });
});

describe('an entry that lies', () => {
  it.each([
    ['less', text.length - 1, 'more'],
    ['more', text.length + 1, 'less'],
  ])('Z7: declares %s than it unpacks to', async (_what, declaredBytes, said) => {
    const path = written([{ name: 'a', content: text, declaredBytes }]);
    const error = await studioRejectionOf(contentOf(path, 'a'));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(`unpacks to ${said} than`);
  });
  it('Z7: stops inflating where the lie shows', async () => {
    const path = written([{ name: 'a', content: Buffer.alloc(64 << 20), declaredBytes: 100_000 }]);
    const zip = await openZip(path);
    let sizeBytes = 0;
    const reading = (async () => {
      for await (const chunk of zip.stream('a')) sizeBytes += (chunk as Buffer).length;
    })();
    expect((await studioRejectionOf(reading)).code).toBe('BAD_FILE');
    expect(sizeBytes).toBeLessThanOrEqual(100_000);
    zip.close();
  });
  it('has another checksum', async () => {
    const path = written([{ name: 'a', content: text, declaredChecksum: 1 }]);
    expect((await studioRejectionOf(contentOf(path, 'a'))).code).toBe('CHECKSUM_MISMATCH');
  });
  it('has garbage for data', async () => {
    const bytes = zipBytes([{ name: 'a', content: text }]);
    bytes.fill(0xff, 31, 60);
    const path = join(folder, 'garbage.zip');
    writeFileSync(path, bytes);
    const error = await studioRejectionOf(contentOf(path, 'a'));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(/cannot be unpacked/);
  });
});
