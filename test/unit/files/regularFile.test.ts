/** @file Tests. What may be opened as a text file, and what is refused by name. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openRegularFile } from '../../../main/files/regularFile.ts';
import { makeFifo } from '../../support/fifo.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { zipBytes } from '../../support/zipBytes.ts';

const folder = temporaryFolder();

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('a regular file', () => {
  it('gives its size and its bytes, more than once', async () => {
    const opened = openRegularFile(file('a.txt', 'héllo\n'));
    expect(opened.sizeBytes).toBe(7);
    for (let time = 0; time < 2; time++) {
      const chunks: Buffer[] = [];
      for await (const chunk of opened.stream()) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString()).toBe('héllo\n');
    }
  });
  it('may be empty, or be reached by a link', () => {
    expect(openRegularFile(file('empty.txt', '')).sizeBytes).toBe(0);
    const link = join(folder, 'link.txt');
    symlinkSync(file('target.txt', 'abc'), link);
    expect(openRegularFile(link).sizeBytes).toBe(3);
  });
});

describe('a binary file given for text', () => {
  it.each([
    ['gzip', gzipSync('hello'), /gzip/],
    ['zip', zipBytes([{ name: 'a', content: 'x' }]), /zip archive/],
    ['bzip2', Buffer.from('BZh91AY&SY'), /bzip2/],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), /xz/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]), /zstd/],
    ['Parquet', Buffer.from('PAR1xxxx'), /Parquet/],
    ['UTF-16', Buffer.from('\uFEFFa\tb\n', 'utf16le'), /UTF-16/],
    ['UTF-16 without a mark', Buffer.from('a\tb\n', 'utf16le'), /binary/],
    ['Brotli with a NUL', Buffer.concat([brotliCompressSync('x'), Buffer.alloc(1)]), /binary/],
  ])('%s', (name, bytes, said) => {
    const path = file(`${name}.txt`, bytes);
    const error = studioErrorOf(() => openRegularFile(path));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(said);
    expect(error.nextStep).not.toBe('');
    expect(error.place?.file).toBe(path);
    expect(openRegularFile(path, { content: 'any' }).sizeBytes).toBe(bytes.length);
  });
});

describe('what is no regular file', () => {
  it('is missing', () => {
    expect(studioErrorOf(() => openRegularFile(join(folder, 'none.txt'))).code).toBe('NOT_FOUND');
    expect(studioErrorOf(() => openRegularFile(join(file('b.txt', 'b'), 'c.txt'))).code).toBe('NOT_FOUND');
  });
  it('is a folder', () => {
    const error = studioErrorOf(() => openRegularFile(folder));
    expect([error.code, error.message]).toEqual(['UNREADABLE', `${folder} is a folder, not a regular file.`]);
  });
  it.skipIf(process.platform === 'win32')('is a FIFO, which would wait forever for a writer', () => {
    const path = join(folder, 'fifo');
    makeFifo(path);
    const error = studioErrorOf(() => openRegularFile(path));
    expect(error.code).toBe('UNREADABLE');
    expect(error.message).toMatch(/is a named pipe/);
  });
  it.skipIf(process.platform === 'win32')('is a device, which never ends', () => {
    const error = studioErrorOf(() => openRegularFile('/dev/zero'));
    expect(error.code).toBe('UNREADABLE');
    expect(error.message).toMatch(/is a device/);
  });
  it.skipIf(process.platform === 'win32')('is a socket', async () => {
    const path = join(folder, 'socket');
    const server = createServer();
    await new Promise<void>((done) => server.listen(path, done));
    try {
      expect(studioErrorOf(() => openRegularFile(path)).message).toMatch(/is a socket/);
    } finally {
      server.close();
    }
  });
});

describe.skipIf(process.platform === 'win32')('a file without permission', () => {
  const script = `
    const { openRegularFile } = await import(process.argv[1]);
    try { openRegularFile(process.argv[2]); console.log('opened'); }
    catch (error) { console.log(error.code + ': ' + error.message); }`;
  const modulePath = join(import.meta.dirname, '../../../main/files/regularFile.ts');
  // Root may read everything, so the check runs as the user nobody there.
  const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

  function said(path: string): string {
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, modulePath, path], {
      ...asNobody,
      cwd: '/',
      encoding: 'utf8',
    });
    return child.error === undefined ? child.stdout.trim() || child.stderr : String(child.error);
  }

  it('is refused by name', ({ skip }) => {
    const inside = join(temporaryFolder(), 'open');
    mkdirSync(inside);
    chmodSync(join(inside, '..'), 0o755);
    const readable = join(inside, 'readable.txt');
    const secret = join(inside, 'secret.txt');
    writeFileSync(readable, 'abc');
    writeFileSync(secret, 'abc');
    chmodSync(secret, 0o000);
    const control = said(readable);
    if (control !== 'opened') skip(`the user nobody cannot run this checkout: ${control.slice(0, 200)}`);
    expect(said(secret)).toMatch(/^UNREADABLE: Could not read .*secret\.txt: permission denied\.$/);
  });
});
