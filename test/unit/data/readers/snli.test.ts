/** @file Tests. SNLI in its official layouts, read as the book's program reads it, from files, folders and archives. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { extractText } from '../../../../main/data/readers/bookText.ts';
import { openSource, type SourceRow } from '../../../../main/data/readers/open.ts';
import { missingShared, sharedPath } from '../../../support/sharedData.ts';
import {
  allRows,
  brief,
  briefRows,
  fileWith,
  read,
  SNLI_HEADER,
  snliLine,
  snliText,
} from '../../../support/sourceRows.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { zipBytes } from '../../../support/zipBytes.ts';

describe("the book's extract_text", () => {
  // Expected values are what Python gives for the three substitutions and strip().
  it.each([
    ['( ( A man ) ( sleeps . ) )', 'A man sleeps .'],
    ['( A  man )', 'A man'],
    ['A \t\n man', 'A man'],
    ['one\ttab and\u00a0one no-break space', 'one\ttab and\u00a0one no-break space'],
    ['a\u00a0\u2003b', 'a b'],
    ['a\u001c\u001fb \u0085', 'a b'],
    ['\uFEFF\uFEFFa', '\uFEFF\uFEFFa'],
    ['( -LRB- x -RRB- )', '-LRB- x -RRB-'],
    ['a(b)c', 'abc'],
    ['( )', ''],
    ['', ''],
  ])('%j', (parse, text) => expect(extractText(parse)).toBe(text));
});

const three = [
  snliLine('neutral', 'A person on a horse jumps .', 'A person is training .'),
  snliLine('contradiction', 'A person on a horse jumps .', 'A person is at a diner .'),
  snliLine('entailment', 'A person on a horse jumps .', 'A person is outdoors .'),
];
const threeRows = [
  '2 ? 2 A person on a horse jumps . | A person is training .',
  '3 ? 1 A person on a horse jumps . | A person is at a diner .',
  '4 ? 0 A person on a horse jumps . | A person is outdoors .',
];

describe("SNLI's text layout", () => {
  it("takes tokens from the parses, raw text from the sentence columns and labels in the book's order", async () => {
    const line = snliLine('neutral', 'x', 'y').split('\t');
    line[1] = '( ( The man ) ( (  -LRB- a cook -RRB- ) sleeps . ) )';
    line[5] = 'The man (a cook) sleeps.';
    const { source, rows } = await read(fileWith('one.txt', snliText([line.join('\t')])));
    expect(source.labels).toEqual(['entailment', 'contradiction', 'neutral']);
    expect([source.format, source.mappingGuessed, source.mapping.label]).toEqual([
      'snli-txt',
      false,
      'gold_label',
    ]);
    expect(rows).toEqual([
      {
        kind: 'pair',
        file: 'one.txt',
        line: 2,
        split: null,
        premise: { raw: 'The man (a cook) sleeps.', tokens: 'The man -LRB- a cook -RRB- sleeps .' },
        hypothesis: { raw: 'y', tokens: 'y' },
        label: 2,
        kinds: [],
      },
    ]);
  });

  it("takes each row's own parse, also when the raw sentence is that of the row before", async () => {
    const first = snliLine('neutral', 'same', 'b').split('\t');
    const second = first.with(1, '( other )').with(2, '( c )');
    const rows = await briefRows(
      fileWith('a.txt', snliText([first.join('\t'), second.join('\t'), first.join('\t')])),
    );
    expect(rows).toEqual(['2 ? 2 same | b', '3 ? 2 other | c', '4 ? 2 same | b']);
  });

  it.each([
    ['D2: a byte order mark', `\uFEFF${snliText(three)}`],
    ['D3: CRLF', snliText(three, '\r\n')],
    ['D3: CR', snliText(three, '\r')],
    ['D4: no final newline', snliText(three).replace(/\n$/, '')],
    ['blank lines at the end', `${snliText(three)}\n\n`],
  ])('%s changes nothing', async (_name, text) => {
    expect(await briefRows(fileWith('a.txt', text))).toEqual(threeRows);
  });

  it('counts `-` and rejects what it cannot read, with the line', async () => {
    const huge = snliLine('neutral', 'a '.repeat(100_000).trim(), 'b');
    const long = snliLine('neutral', Array(5000).fill('w').join(' '), 'b');
    const lines = [
      snliLine('-', 'a', 'b'), // D8
      snliLine('maybe', 'a', 'b'), // D9
      snliLine('', 'a', 'b'),
      three[0]!.split('\t').slice(0, 13).join('\t'), // D10
      `${three[0]}\textra`,
      snliLine('neutral', '', 'b').replace('( )', '( )'), // D11
      huge, // D12: more than a line may have
      long.replace(/ \( /g, ' '), // D12: long, and fine
      snliLine('__proto__', 'a', 'b'),
      snliLine('neutral', '__proto__ constructor', 'toString hasOwnProperty'), // D13
      snliLine('neutral', '😀 cafe\u0301 日本 a\u2028b', 'c'), // D14
      snliLine('neutral', 'a', 'b'), // D15: pair ids are all the same here
    ];
    const bytes = Buffer.from(snliText(lines));
    const broken = Buffer.from(`${snliLine('neutral', 'bad', 'X')}\n`);
    broken[broken.indexOf('X')] = 0xff; // D5
    const rows = (await read(fileWith('a.txt', Buffer.concat([bytes, broken])))).rows.map(brief);
    expect(rows.map((row) => row.slice(0, 90))).toEqual([
      '2 unlabelled',
      '3 rejected: unknown label',
      '4 rejected: empty label',
      '5 rejected: wrong column count',
      '6 rejected: wrong column count',
      '7 rejected: empty sentence',
      '8 rejected: line too long',
      `9 ? 2 ${Array(5000).fill('w').join(' ')} | b`.slice(0, 90),
      '10 rejected: unknown label',
      '11 ? 2 __proto__ constructor | toString hasOwnProperty',
      '12 ? 2 😀 cafe\u0301 日本 a\u2028b | c',
      '13 ? 2 a | b',
      '14 rejected: invalid UTF-8',
    ]);
  });

  it('D6: passes over a line of 200 MB', async () => {
    const path = fileWith('a.txt', snliText([three[0]!]));
    const block = Buffer.alloc(20 << 20, 'x');
    for (let time = 0; time < 10; time++) writeFileSync(path, block, { flag: 'a' });
    writeFileSync(path, `\n${three[1]}\n`, { flag: 'a' });
    expect(await briefRows(path)).toEqual([
      threeRows[0],
      '3 rejected: line too long',
      threeRows[1]!.replace('3', '4'),
    ]);
  });

  it('D7: tells a last line that was cut off from one that was never right', async () => {
    const cut = snliText(three).slice(0, -60);
    expect(await briefRows(fileWith('a.txt', cut))).toEqual([
      ...threeRows.slice(0, 2),
      '4 rejected: truncated last line',
    ]);
    const wrong = snliText([...three.slice(0, 2), 'neutral\tonly two']);
    expect((await briefRows(fileWith('a.txt', wrong))).at(-1)).toBe('4 rejected: wrong column count');
  });

  it('D10: reads columns in another order by their names', async () => {
    const order = [13, 5, 6, 1, 2, 0, 3, 4, 7, 8, 9, 10, 11, 12];
    const shuffled = [SNLI_HEADER, ...three].map((line) =>
      order.map((at) => line.split('\t')[at]).join('\t'),
    );
    const { source, rows } = await read(fileWith('a.txt', `${shuffled.join('\n')}\n`));
    expect([source.format, source.mappingGuessed]).toEqual(['tsv', true]);
    expect(rows.map(brief)).toEqual(threeRows);
    const error = await studioRejectionOf(
      read(fileWith('a.txt', `${shuffled.join('\n')}\n`), { format: 'snli-txt' }),
    );
    expect([error.code, error.place?.line]).toEqual(['BAD_FILE', 1]);
  });

  it('D16: gives every bad line, for the import to stop at', async () => {
    const rows = await briefRows(fileWith('a.txt', snliText([...Array(2000).fill('junk'), three[0]!])));
    expect(rows.length).toBe(2001);
    expect(rows.filter((row) => row.endsWith('wrong column count')).length).toBe(2000);
  });

  it('gives blocks, counts bytes, and can be read again', async () => {
    const path = fileWith('a.txt', snliText(Array(5000).fill(three[0])));
    const source = await openSource(path);
    expect(source.bytesRead()).toBe(0);
    let blocks = 0;
    for await (const block of source.rows()) blocks += block.length > 0 ? 1 : 0;
    expect(blocks).toBeGreaterThan(1);
    expect(source.bytesRead()).toBe(source.totalBytes);
    expect((await allRows(source)).length).toBe(5000);
    await source.close();
  });

  it('stops when it is cancelled', async () => {
    const source = await openSource(fileWith('a.txt', snliText(Array(50_000).fill(three[0]))));
    const cancel = new AbortController();
    const rows: SourceRow[] = [];
    const reading = (async () => {
      for await (const block of source.rows(cancel.signal)) {
        rows.push(...block);
        cancel.abort();
      }
    })();
    expect((await studioRejectionOf(reading)).code).toBe('CANCELLED');
    expect(rows.length).toBeLessThan(50_000);
  });
});

const noOfficial = missingShared('data', 'snli_official_sample');
describe.skipIf(noOfficial !== null)(
  `the official files${noOfficial === null ? '' : ` (skipped: ${noOfficial})`}`,
  () => {
    const official = (name: string) => sharedPath('data', 'snli_official_sample', name);

    it('read the same as text and as JSONL', async () => {
      const text = (await read(official('snli_1.0_dev.txt'))).rows;
      const json = (await read(official('snli_1.0_dev.jsonl'))).rows;
      expect(text.length).toBeGreaterThan(5);
      expect(json.slice(0, text.length).map((row) => brief(row).replace(/^\d+/, ''))).toEqual(
        text.map((row) => brief(row).replace(/^\d+/, '')),
      );
    });

    it('give the first example of the book', async () => {
      const { rows } = await read(official('snli_1.0_train.jsonl'));
      expect(brief(rows[0]!)).toBe(
        '1 ? 2 A person on a horse jumps over a broken down airplane . | A person is training his horse for a competition .',
      );
    });

    it('count rows without a gold label', async () => {
      const { rows } = await read(official('snli_1.0_dev.part_2566rows.jsonl'));
      const unlabelled =
        readFileSync(official('snli_1.0_dev.part_2566rows.jsonl'), 'utf8').split('"gold_label": "-"').length -
        1;
      expect(unlabelled).toBeGreaterThan(0);
      expect(rows.filter((row) => row.kind === 'unlabelled').length).toBe(unlabelled);
      expect(rows.filter((row) => row.kind === 'rejected')).toEqual([]);
    });
  },
);

const noSnli = missingShared('data', 'snli_1.0');
describe.skipIf(noSnli !== null)(
  `SNLI beside the repository${noSnli === null ? '' : ` (skipped: ${noSnli})`}`,
  () => {
    it('has the known numbers of rows and labels', async () => {
      const { rows } = await read(sharedPath('data', 'snli_1.0'));
      const pairs = rows.filter((row) => row.kind === 'pair');
      expect(rows.length).toBe(pairs.length);
      expect(['train', 'dev', 'test'].map((of) => pairs.filter((row) => row.split === of).length)).toEqual([
        21_601, 9_842, 9_824,
      ]);
      const test = pairs.filter((row) => row.split === 'test');
      expect([0, 1, 2].map((label) => test.filter((row) => row.label === label).length)).toEqual([
        3368, 3237, 3219,
      ]);
    });

    it('reads the same from an archive', async () => {
      const name = 'snli_1.0_test.txt';
      const folder = temporaryFolder();
      cpSync(sharedPath('data', 'snli_1.0', name), join(folder, name));
      const zip = fileWith(
        'a.zip',
        zipBytes([{ name: `snli_1.0/${name}`, content: readFileSync(join(folder, name)) }]),
      );
      expect(await briefRows(zip)).toEqual(await briefRows(folder));
    });
  },
);
