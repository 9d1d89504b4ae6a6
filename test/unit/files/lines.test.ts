/** @file Tests. Lines from bytes, however the bytes are cut into chunks. */
import { describe, expect, it } from 'vitest';
import { type Line, readLines } from '../../../main/files/lines.ts';

async function* chunksOf(bytes: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

async function linesOf(bytes: Buffer | string, sizeBytes = 1 << 16, maxLineBytes = 1 << 16): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const block of readLines(chunksOf(Buffer.from(bytes), sizeBytes), { maxLineBytes }))
    lines.push(...block);
  return lines;
}

const texts = (lines: readonly Line[]) => lines.map(({ text, problem }) => problem ?? text);

describe('lines', () => {
  it.each([
    ['nothing', '', []],
    ['only a byte order mark', '\uFEFF', ['']],
    ['one line', 'a\n', ['a']],
    ['no final newline', 'a\nb', ['a', 'b']],
    ['a byte order mark', '\uFEFFa\n\uFEFFb', ['a', '\uFEFFb']],
    ['CRLF, CR and LF mixed', 'a\r\nb\rc\nd\r\n\re', ['a', 'b', 'c', 'd', '', 'e']],
    ['a CR at the end', 'a\r', ['a']],
    ['blank lines', '\n\na\n', ['', '', 'a']],
    ['U+2028, U+0085 and form feeds inside', 'a\u2028b\u0085c\fd\n', ['a\u2028b\u0085c\fd']],
    ['emoji, combining marks, CJK', '😀é日本\ncafe\u0301\n', ['😀é日本', 'cafe\u0301']],
  ])('%s', async (_name, text, expected) => {
    for (const sizeBytes of [1, 2, 3, 5, 1 << 16]) {
      const lines = await linesOf(text, sizeBytes);
      expect(texts(lines)).toEqual(expected);
      expect(lines.map((line) => line.number)).toEqual(expected.map((_, at) => at + 1));
    }
  });

  it('says which line has no line end', async () => {
    expect((await linesOf('a\nb\n')).map((line) => line.terminated)).toEqual([true, true]);
    expect((await linesOf('a\nb')).map((line) => line.terminated)).toEqual([true, false]);
  });

  it('reports invalid UTF-8 for the line that has it, and only that', async () => {
    const bytes = Buffer.concat([
      Buffer.from('é\nb'),
      Buffer.from([0xc3, 0x28, 0x0a]),
      Buffer.from('c\n\xed'),
      Buffer.from([0xa0]),
    ]);
    for (const sizeBytes of [1, 4, 1 << 16]) {
      expect(texts(await linesOf(bytes, sizeBytes))).toEqual(['é', 'invalid UTF-8', 'c', 'invalid UTF-8']);
    }
  });

  it('takes a line of exactly the limit and refuses one byte more', async () => {
    for (const sizeBytes of [1, 7, 1 << 16]) {
      const lines = await linesOf(
        `${'a'.repeat(10)}\n${'b'.repeat(11)}\nc\n${'d'.repeat(11)}`,
        sizeBytes,
        10,
      );
      expect(texts(lines)).toEqual(['a'.repeat(10), 'line too long', 'c', 'line too long']);
    }
    expect(texts(await linesOf(`\uFEFF${'a'.repeat(10)}\n`, 4, 10))).toEqual(['a'.repeat(10)]);
    expect(texts(await linesOf(`\uFEFF${'a'.repeat(11)}\n`, 4, 10))).toEqual(['line too long']);
  });

  it('reads past a line of 200 MB without holding it', async () => {
    const block = Buffer.alloc(1 << 20, 'x');
    let heldBytes = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('first\n');
      for (let megabytes = 0; megabytes < 200; megabytes++) yield block;
      heldBytes = process.memoryUsage().arrayBuffers;
      yield Buffer.from('\nlast\n');
    }
    const lines: Line[] = [];
    const before = process.memoryUsage().arrayBuffers;
    for await (const part of readLines(endless(), { maxLineBytes: 1 << 16 })) lines.push(...part);
    expect(texts(lines)).toEqual(['first', 'line too long', 'last']);
    expect(heldBytes - before).toBeLessThan(20 << 20);
  });

  it('passes on what the stream throws', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('a\n');
      throw new Error('disk gone');
    }
    const reading = (async () => {
      for await (const _ of readLines(broken(), { maxLineBytes: 10 }));
    })();
    await expect(reading).rejects.toThrow('disk gone');
  });
});
