/** @file Tests. Archives as they are written: the same every time, failing as their contents do, leaving nothing open. */
import { expect, it } from 'vitest';
import { bytesInMemory } from '../../../main/files/byteSource.ts';
import { openZipIn } from '../../../main/files/zip.ts';
import { type ZipMember, zipChunks } from '../../../main/files/zipWriter.ts';

const text = (name: string, content: string): ZipMember => ({ name, content: () => [Buffer.from(content)] });
const MEMBERS = [text('run.json', '{}'), text('checkpoint/weights.bin', 'w'.repeat(100_000))];

async function archive(members: readonly ZipMember[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of zipChunks(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

it('holds its members as they are, in their order, the same bytes every time', async () => {
  const bytes = await archive(MEMBERS);
  expect(await archive(MEMBERS)).toEqual(bytes);
  const zip = await openZipIn(bytesInMemory('a test', bytes));
  expect(zip.entries.map(({ name, stored }) => [name, stored])).toEqual([
    ['run.json', true],
    ['checkpoint/weights.bin', true],
  ]);
  expect((await zip.read('checkpoint/weights.bin')).toString()).toBe('w'.repeat(100_000));
});

it('fails as the content of a member does', async () => {
  const failing: ZipMember = {
    name: 'weights.bin',
    async *content() {
      yield Buffer.from('the beginning');
      throw new Error('the disk is gone');
    },
  };
  await expect(archive([...MEMBERS, failing])).rejects.toThrow('the disk is gone');
});

it('ends the reading of a member when nobody reads the archive any more', async () => {
  const ended = Promise.withResolvers<string>();
  const endless: ZipMember = {
    name: 'weights.bin',
    async *content() {
      try {
        while (true) yield Buffer.alloc(1 << 16);
      } finally {
        ended.resolve('ended');
      }
    },
  };
  let readBytes = 0;
  for await (const chunk of zipChunks([endless])) {
    readBytes += chunk.byteLength;
    if (readBytes > 1_000_000) break;
  }
  expect(await ended.promise).toBe('ended');
});
