/** @file Tests. What people give by mistake for a data set: each gets an error that names it and says what to do. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openSource } from '../../main/data/readers/open.ts';
import { makeFifo } from '../support/fifo.ts';
import { fileWith, snliLine, snliText } from '../support/sourceRows.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { zipBytes } from '../support/zipBytes.ts';

const good = snliText([snliLine('neutral', 'a', 'b')]);
const zip = zipBytes([{ name: 'train.txt', content: good }]);
const header = good.split('\n')[0]!;

describe('a file that is no data set', () => {
  it.each([
    ['D1: an empty file', 'a.txt', '', /is empty/],
    ['a byte order mark and nothing else', 'a.txt', '\uFEFF', /is empty/],
    ['blank lines', 'a.csv', '\n\n \n', /is empty/],
    ['a header and nothing else', 'a.txt', `${header}\n`, /no rows/],
    ['gzip', 'snli_1.0_train.txt', gzipSync(good), /compressed with gzip/],
    ['a zip called .txt', 'snli_1.0_train.txt', zip, /is a zip archive/],
    ['text called .zip', 'snli_1.0.zip', good, /not a sound zip archive/],
    ['gzip in a zip', 'a.zip', zipBytes([{ name: 'train.txt', content: gzipSync(good), method: 0 }]), /gzip/],
    ['UTF-16', 'a.csv', Buffer.from('\uFEFFtext,label\na,b\n', 'utf16le'), /UTF-16/],
    [
      'an image',
      'a.txt',
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]),
      /binary/,
    ],
    ['a JSON array', 'a.json', '[{"text": "a", "label": "b"}]', /one JSON array/],
    ['JSONL that is none', 'a.jsonl', 'hello\n', /not a JSON object/],
    ['a table without names', 'a.tsv', 'A man.\tA dog.\t1\nx\ty\t0\n', /Cannot tell which column/],
    ['a table without labels', 'a.csv', 'text,other\na,b\n', /Cannot tell which column .* holds the label/],
    ['prose', 'a.txt', 'It was a dark night.\nThe end.\n', /Cannot tell which column/],
    ['a column that stands twice', 'a.csv', 'text,text,label\na,b,x\n', /stands twice/],
    ['a header that is not UTF-8', 'a.csv', Buffer.from([0x74, 0xff, 0x0a, 0x61, 0x0a]), /invalid UTF-8/],
    ['a header without end', 'a.csv', 'x'.repeat(100_000), /line too long/],
    ['a header with an open quote', 'a.csv', '"text,label\na,b\n', /never closed/],
  ])('%s', async (_name, name, content, said) => {
    const path = fileWith(name, content);
    const error = await studioRejectionOf(openSource(path));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(said);
    expect(error.nextStep).not.toBe('');
    expect(error.place?.file).toContain(path);
  });

  it('is missing', async () => {
    const error = await studioRejectionOf(openSource(join(temporaryFolder(), 'none')));
    expect([error.code, error.nextStep]).toEqual(['NOT_FOUND', 'Check the path.']);
  });

  it.skipIf(process.platform === 'win32')('is a FIFO or a device, also inside a folder', async () => {
    const folder = temporaryFolder();
    makeFifo(join(folder, 'train.txt'));
    for (const path of [join(folder, 'train.txt'), folder, '/dev/zero']) {
      const error = await studioRejectionOf(openSource(path));
      expect(error.code).toBe('UNREADABLE');
      expect(error.nextStep).not.toBe('');
    }
  });

  it('gets a mapping that does not fit', async () => {
    const path = fileWith('a.csv', 'text,label\na,x\nb,y\n');
    for (const mapping of [
      { premise: 'texts' },
      { label: '' },
      { split: 'split' },
      { hypothesis: '__proto__' },
    ]) {
      const error = await studioRejectionOf(openSource(path, { mapping }));
      expect([error.code, error.place?.line]).toEqual(['USAGE', 1]);
      expect(error.message).toContain('it has: text, label');
    }
    const snli = fileWith('a.txt', good);
    expect(
      (await studioRejectionOf(openSource(snli, { format: 'snli-txt', mapping: { premise: 'sentence1' } })))
        .code,
    ).toBe('USAGE');
    expect((await studioRejectionOf(openSource(snli, { format: 'jsonl' }))).code).toBe('BAD_FILE');
  });
});
