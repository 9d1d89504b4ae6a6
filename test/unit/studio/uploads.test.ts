/** @file Tests. Files on their way to the studio's machine: whole and in order, under harmless names, gone when they should be. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UPLOAD_PIECE_BYTES } from '../../../shared/contract/app.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { callOverHttp, openHosted, serve } from '../../support/hostedStudio.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');

/** Sends a text in one piece. */
async function upload({ ask }: HostedCalls, name: string, text: string): Promise<string> {
  const { id } = await ask('uploads/begin', { name, sizeBytes: Buffer.byteLength(text) });
  await ask('uploads/piece', { id, offset: 0, base64: base64(text) });
  return (await ask('uploads/finish', { id })).path;
}

describe('an upload', () => {
  it('of many pieces arrives over HTTP as it was, another one beside it', async () => {
    const server = await serve(openHosted());
    const send = async (name: string, bytes: Uint8Array): Promise<string> => {
      const ask = async <Value>(route: string, input: object): Promise<Value> => {
        const result = await callOverHttp(server, `uploads/${route}`, input);
        expect(result.ok).toBe(true);
        return (result as { value: Value }).value;
      };
      const { id } = await ask<{ id: string }>('begin', { name, sizeBytes: bytes.byteLength });
      for (let offset = 0; offset < bytes.byteLength; offset += UPLOAD_PIECE_BYTES) {
        const piece = bytes.subarray(offset, offset + UPLOAD_PIECE_BYTES);
        const { receivedBytes } = await ask<{ receivedBytes: number }>('piece', {
          ...{ id, offset, base64: base64(piece) },
        });
        expect(receivedBytes).toBe(offset + piece.byteLength);
      }
      return (await ask<{ path: string }>('finish', { id })).path;
    };
    const [one, other] = [randomBytes(3 * UPLOAD_PIECE_BYTES + 17), randomBytes(2 * UPLOAD_PIECE_BYTES)];
    const [onePath, otherPath] = await Promise.all([send('rows.csv', one), send('rows.csv', other)]);
    expect(readFileSync(onePath).equals(one)).toBe(true);
    expect(readFileSync(otherPath).equals(other)).toBe(true);
    expect([onePath, otherPath].map((path) => basename(path))).toEqual(['rows.csv', 'rows.csv']);
  });

  it('goes on where it is, and says where that is', async () => {
    const { ask, refusal } = callsTo(openHosted());
    const { id } = await ask('uploads/begin', { name: 'a.csv', sizeBytes: 6 });
    const piece = (offset: number, text: string) => ({ id, offset, base64: base64(text) });
    await ask('uploads/piece', piece(0, 'abc'));
    const doubled = await refusal('uploads/piece', piece(0, 'abc'));
    expect(doubled).toMatchObject({ code: 'USAGE', message: 'The upload continues at byte 3 of 6.' });
    expect((await refusal('uploads/piece', piece(3, 'defg'))).code).toBe('USAGE');
    expect((await refusal('uploads/finish', { id })).message).toBe('3 bytes of the upload are missing.');
    // What is no base64 holds no bytes.
    expect(await ask('uploads/piece', { id, offset: 3, base64: '~~~~' })).toEqual({ receivedBytes: 3 });
    await ask('uploads/piece', piece(3, 'def'));
    const { path } = await ask('uploads/finish', { id });
    expect(readFileSync(path, 'utf8')).toBe('abcdef');
    expect((await refusal('uploads/finish', { id })).code).toBe('NOT_FOUND');
    expect((await refusal('uploads/piece', piece(6, ''))).code).toBe('NOT_FOUND');
  });

  it('that is taken back leaves nothing, and may be taken back twice', async () => {
    const folder = temporaryFolder();
    const { ask, refusal } = callsTo(openHosted(folder));
    const { id } = await ask('uploads/begin', { name: 'a.csv', sizeBytes: 3 });
    await ask('uploads/piece', { id, offset: 0, base64: base64('ab') });
    expect(readdirSync(join(folder, 'uploads'))).toHaveLength(1);
    await ask('uploads/cancel', { id });
    await ask('uploads/cancel', { id });
    expect(readdirSync(join(folder, 'uploads'))).toEqual([]);
    expect((await refusal('uploads/finish', { id })).code).toBe('NOT_FOUND');
  });

  it('of nothing is an empty file; one that no disk holds is refused before a byte is sent', async () => {
    const { ask, refusal } = callsTo(openHosted());
    const { id } = await ask('uploads/begin', { name: 'empty.csv', sizeBytes: 0 });
    const { path } = await ask('uploads/finish', { id });
    expect(readFileSync(path, 'utf8')).toBe('');
    expect(await refusal('datasets/preview', { path })).toMatchObject({ code: 'BAD_FILE' });
    for (const sizeBytes of [-1, 1.5, 2 ** 40])
      expect((await refusal('uploads/begin', { name: 'a', sizeBytes })).code).toBe('BAD_INPUT');
    const piece = { id, offset: 0, base64: 'A'.repeat(4 * UPLOAD_PIECE_BYTES) };
    expect((await refusal('uploads/piece', piece)).code).toBe('BAD_INPUT');
  });
});

describe('the name of an upload', () => {
  const folder = temporaryFolder();
  let calls: HostedCalls;
  beforeAll(() => {
    calls = callsTo(openHosted(folder));
  });

  it.each([
    ['rows.csv', 'rows.csv'],
    ['Sätze 2 – neu.csv', 'Sätze 2 _ neu.csv'],
    ['/etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['..', 'file-'],
    ['.bashrc', 'bashrc'],
    ['-rf.csv', 'rf.csv'],
    ['end. . ', 'end'],
    ['NUL', 'file-NUL'],
    ['com1.csv', 'file-com1.csv'],
    ['a\0b\n"c".csv', 'a_b__c_.csv'],
    ['\u202evsc.csv', '_vsc.csv'],
    ['\ud83d\ude00.csv', '_.csv'],
    ['half\ud83d.csv', 'half_.csv'],
  ])('%j becomes %j', async (name, expected) => {
    const path = await upload(calls, name, 'x');
    expect(basename(path)).toBe(expected);
    expect(dirname(dirname(path))).toBe(join(folder, 'uploads'));
  });

  it.each([
    ['letters of three bytes', '字'],
    ['letters of four bytes', '\u{20000}'],
    ['plain letters', 'x'],
  ])('keeps its end when it is too long in %s', async (_, letter) => {
    const name = `${letter.repeat(Math.floor(240 / letter.length))}.jsonl`;
    const path = await upload(calls, name, 'x');
    expect(readFileSync(path, 'utf8')).toBe('x');
    expect(basename(path)).toMatch(new RegExp(`^${letter}+\\.jsonl$`, 'u'));
    expect(Buffer.byteLength(basename(path))).toBeLessThanOrEqual(200);
  });
});

it('of an earlier studio, and at the end of this one, nothing is left', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'uploads', 'old'), { recursive: true });
  writeFileSync(join(folder, 'uploads', 'old', 'rows.csv'), 'x');
  const studio = openHosted(folder);
  expect(existsSync(join(folder, 'uploads'))).toBe(false);
  const calls = callsTo(studio);
  await upload(calls, 'done.csv', 'x');
  await calls.ask('uploads/begin', { name: 'open.csv', sizeBytes: 3 });
  await studio.close();
  expect(existsSync(join(folder, 'uploads'))).toBe(false);
});
