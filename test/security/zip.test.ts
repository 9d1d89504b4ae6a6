/** @file Tests. Zip archives: what is read, and the ten ways of doing harm that are refused (Z1 to Z10). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openZip } from '../../main/files/zip.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { STREAMED, type ZipPart, zipBytes } from '../support/zipBytes.ts';

const folder = temporaryFolder();
let files = 0;

function written(parts: readonly ZipPart[], options?: { entryCount?: number }): string {
  const path = join(folder, `${files++}.zip`);
  writeFileSync(path, zipBytes(parts, options));
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

async function refusal(parts: readonly ZipPart[], options?: { entryCount?: number }) {
  const error = await studioRejectionOf(openZip(written(parts, options)));
  expect(error.code).toBe('BAD_FILE');
  expect(error.nextStep).not.toBe('');
  expect(error.place?.file).toMatch(/\.zip$/);
  return error.message;
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
  it.each(['../x', 'a/../../x', '..'])('Z1: traversal %j', async (name) => {
    expect(await refusal([{ name, content: 'x' }])).toMatch(/relative path/);
  });
  it.each(['/etc/passwd', 'C:/x', 'c:x', '//server/share/x'])('Z2: absolute name %j', async (name) => {
    expect(await refusal([{ name, content: 'x' }])).toMatch(/absolute path/);
  });
  it.each(['a\\b', '..\\x', '\\\\server\\x'])('Z3: backslash in %j', async (name) => {
    expect(await refusal([{ name, content: 'x' }])).toMatch(/invalid characters/);
  });
  it('Z4: a symbolic link', async () => {
    expect(await refusal([{ name: 'a', content: '/etc/passwd', mode: 0o120777 }])).toMatch(/symbolic link/);
    expect(await refusal([{ name: 'a', mode: 0o010644 }])).toMatch(/device/);
  });
  it.each([
    ['a.txt', 'a.txt'],
    ['a.txt', 'A.TXT'],
    ['caf\u00e9', 'cafe\u0301'],
    ['a', 'a/'],
  ])('Z5: the same name twice, %j and %j', async (first, second) => {
    expect(await refusal([{ name: first, content: '1' }, { name: second }])).toMatch(/same name/);
  });
  it.each([
    ['name', { name: 'b.txt' }],
    ['method', { method: 0 }],
    ['size', { declaredBytes: 7 }],
  ])('Z6: a local header with another %s', async (_what, local) => {
    expect(await refusal([{ name: 'a.txt', content: 'hello', local }])).toMatch(/disagree/);
  });
  it('Z6: two entries that share their bytes', async () => {
    const message = await refusal([
      { name: 'a', content: 'hello' },
      { name: 'b', content: 'hello', sharesEntry: 0 },
    ]);
    expect(message).toMatch(/overlaps|disagree/);
  });
  it('Z6: an entry inside the bytes of another one, by which small bombs grow', async () => {
    const inner = zipBytes([{ name: 'b', content: 'hello', method: 0 }]);
    const message = await refusal([
      { name: 'a', content: inner, method: 0 },
      { name: 'b', content: 'hello', method: 0, offset: 30 + 'a'.length },
    ]);
    expect(message).toMatch(/overlaps/);
  });
  it('Z8: a ratio above 100:1, but not a small entry', async () => {
    expect(await refusal([{ name: 'a', content: Buffer.alloc(4 << 20) }])).toMatch(/zip bomb/);
    const small = written([{ name: 'a', content: Buffer.alloc(1 << 20) }]);
    expect((await contentOf(small, 'a')).length).toBe(1 << 20);
  });
  it('Z9: more than 10,000 entries', async () => {
    const many = Array.from({ length: 10_001 }, (_, at) => ({ name: `${at}`, method: 0 }));
    expect(await refusal(many)).toMatch(/10001 entries/);
    expect(await refusal([{ name: 'a' }], { entryCount: 65_000 })).toMatch(/65000 entries/);
  });
  it('Z10: encrypted, packed in an unknown way, or with a count that lies', async () => {
    expect(await refusal([{ name: 'a', content: 'x', flags: 1 }])).toMatch(/encrypted/);
    expect(await refusal([{ name: 'a', content: 'x', flags: 0x41 }])).toMatch(/strong encryption/);
    expect(await refusal([{ name: 'a', content: 'x', method: 14 }])).toMatch(/unknown method 14/);
    expect(await refusal([{ name: 'a' }], { entryCount: 3 })).toMatch(/not a sound zip archive/);
    expect(await refusal([{ name: 'a', content: 'x', method: 0, declaredBytes: 0xffffffff }])).toMatch(
      /size/,
    );
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
