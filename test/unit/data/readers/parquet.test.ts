/** @file Tests. Parquet files: what is read, what labels mean, what is refused and why. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { previewSource } from '../../../../main/data/preview.ts';
import { classNamesOfCard } from '../../../../main/data/readers/classNames.ts';
import { openSource } from '../../../../main/data/readers/open.ts';
import { unpackedBytes } from '../../../../main/data/readers/parquetPages.ts';
import { pairsParquet, parquetBytes } from '../../../support/parquetBytes.ts';
import { allRows, brief, briefRows, fileWith, read } from '../../../support/sourceRows.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { zipBytes } from '../../../support/zipBytes.ts';

const WITNESS = join(import.meta.dirname, '..', '..', '..', 'golden', 'parquet_snli.parquet');
const NAMES = ['entailment', 'neutral', 'contradiction'];
const PAIRS = [
  { premise: 'A man sleeps.', hypothesis: 'He rests.', label: 0 },
  { premise: 'A man sleeps.', hypothesis: 'He runs.', label: 2 },
  { premise: 'A man sleeps.', hypothesis: 'He dreams.', label: 1 },
  { premise: 'A man sleeps.', hypothesis: 'He is tall.', label: -1 },
];

describe('a Parquet file', () => {
  test("of pyarrow's is read: two row groups, Zstandard, nulls, names of labels", async () => {
    const { source, rows } = await read(WITNESS);
    expect(source).toMatchObject({
      format: 'parquet',
      labels: ['entailment', 'contradiction', 'neutral'],
      mapping: { premise: 'premise', hypothesis: 'hypothesis', label: 'label', split: null },
    });
    expect(rows.map(brief)).toEqual([
      '1 ? 0 A man sleeps . | A person rests .',
      '2 ? 2 A man sleeps . | He dreams of Ωmega .',
      '3 ? 1 A man sleeps . | A man runs .',
      '4 unlabelled',
      '5 rejected: empty sentence',
      '6 ? 1 Two dogs play . | Cats sleep .',
      '7 ? 0 Zwei Hunde spielen im Grünen 🐕 . | Dogs play .',
    ]);
    expect(source.bytesRead()).toBeCloseTo(source.totalBytes);
  });

  test.each([
    ['annotators', 'holds lists'],
    ['place', 'holds records'],
    ['picture', 'holds no text or plain numbers'],
    ['at', 'holds no plain numbers'],
  ])('has a column %s that is refused, because it %s', async (label, why) => {
    const error = await studioRejectionOf(openSource(WITNESS, { mapping: { label } }));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(`column ${label} of`);
    expect(error.message).toContain(why);
  });

  test('of any codec and many row groups gives the same rows', async () => {
    const one = await briefRows(fileWith('a.parquet', pairsParquet(PAIRS, { names: NAMES })));
    const many = await briefRows(
      fileWith('a.parquet', pairsParquet(PAIRS, { names: NAMES, rowGroupSize: 1 })),
    );
    expect(many).toEqual(one);
    expect(one).toHaveLength(4);
  });

  test('tells what it is by its first bytes, whatever its name', async () => {
    expect(await briefRows(fileWith('pairs', pairsParquet(PAIRS, { names: NAMES })))).toHaveLength(4);
  });

  test('without names has numbers for labels, until somebody says what they mean', async () => {
    const path = fileWith('a.parquet', pairsParquet(PAIRS));
    expect((await read(path)).source.labels).toEqual(['0', '1', '2']);
    const classNames = new Map([['label', NAMES]]);
    expect((await read(path, { classNames })).source.labels).toEqual([
      'entailment',
      'contradiction',
      'neutral',
    ]);
    const labels = { 0: 'yes', 1: 'perhaps', 2: 'no' };
    expect((await read(path, { classNames, mapping: { labels } })).source.labels).toEqual([
      'yes',
      'perhaps',
      'no',
    ]);
  });

  test('in a folder is told apart by split, its pieces in order', async () => {
    const folder = temporaryFolder();
    const write = (name: string, word: string) =>
      writeFileSync(
        join(folder, name),
        pairsParquet(
          PAIRS.map((pair) => ({ ...pair, premise: word })),
          { names: NAMES },
        ),
      );
    write('train-00001-of-00002.parquet', 'second');
    write('train-00000-of-00002.parquet', 'first');
    write('validation-00000-of-00001.parquet', 'third');
    const { rows } = await read(folder);
    const seen = rows.flatMap((row) => (row.kind === 'pair' ? [`${row.split} ${row.premise.raw}`] : []));
    expect([...new Set(seen)]).toEqual(['train first', 'train second', 'dev third']);
  });

  test('is shown before it is imported', async () => {
    const preview = await previewSource(WITNESS, {});
    expect(preview).toMatchObject({ format: 'parquet', suggestedName: 'parquet_snli' });
    expect(preview.columns).toEqual(['premise', 'hypothesis', 'label']);
    expect(preview.rows[0]).toEqual(['A man sleeps.', 'A person rests.', '0']);
  });

  test('with text that is no UTF-8 or too long loses those rows only', async () => {
    const bytes = parquetBytes(
      [
        {
          name: 'text',
          data: ['good', 'x'.repeat(70_000), 'wrong', 'fine'],
          type: 'STRING',
          encoding: 'PLAIN',
        },
        { name: 'label', data: ['a', 'b', 'b', 'b'], type: 'STRING' },
      ],
      {},
    );
    const at = bytes.indexOf('wrong');
    // Snappy keeps literals as they are.
    bytes[at] = 0xff;
    expect(await briefRows(fileWith('a.parquet', bytes))).toEqual([
      '1 ? 0 good',
      '2 rejected: line too long',
      '3 rejected: invalid UTF-8',
      '4 ? 1 fine',
    ]);
  });

  test('stops when it is cancelled', async () => {
    const cancel = new AbortController();
    const source = await openSource(
      fileWith('a.parquet', pairsParquet(PAIRS, { names: NAMES, rowGroupSize: 1 })),
    );
    cancel.abort();
    expect((await studioRejectionOf(allRows(source, cancel.signal))).code).toBe('CANCELLED');
    await source.close();
  });
});

describe('a Parquet file that is none', () => {
  const whole = pairsParquet(PAIRS, { names: NAMES });
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(whole);
    change(bytes);
    return bytes;
  };
  test.each([
    ['empty after its magic', whole.subarray(0, 6), 'too short'],
    ['cut off', whole.subarray(0, whole.length - 20), 'cut off'],
    ['encrypted', changed((bytes) => bytes.write('PARE', bytes.length - 4)), 'encrypted'],
    [
      'with a long footer',
      changed((bytes) => bytes.writeUInt32LE(whole.length, whole.length - 8)),
      'longer than the file',
    ],
    [
      'with a footer of nothing',
      changed((bytes) =>
        bytes.fill(0, whole.length - 8 - whole.readUInt32LE(whole.length - 8), whole.length - 8),
      ),
      'cannot be read',
    ],
    ['with pages of nothing', changed((bytes) => bytes.fill(0, 4, 60)), 'cannot be read'],
  ])('%s is told as such', async (_, bytes, why) => {
    const path = fileWith('a.parquet', bytes);
    const error = await studioRejectionOf(read(path));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(path);
    expect(error.message).toContain(why);
  });

  test('whatever bytes are changed, ends in rows or in a named error', async () => {
    const good = readFileSync(WITNESS);
    let state = 12345;
    const next = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state % below;
    };
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(good);
      for (let change = 0; change <= next(3); change++) bytes[4 + next(bytes.length - 12)] = next(256);
      const path = fileWith('a.parquet', bytes);
      try {
        await read(path);
      } catch (thrown) {
        expect(thrown, `round ${round}`).toMatchObject({ name: 'StudioError' });
        expect((thrown as { code: string }).code).toMatch(/^(BAD_FILE|USAGE)$/);
      }
    }
  });

  test('in an archive must be unpacked first', async () => {
    const path = fileWith('a.zip', zipBytes([{ name: 'train.parquet', content: whole }]));
    expect((await studioRejectionOf(read(path))).nextStep).toContain('Unpack');
  });

  test('text that was named Parquet is no Parquet file', async () => {
    const path = fileWith('a.csv', 'text,label\na,b\nc,d\n');
    expect((await studioRejectionOf(read(path, { format: 'parquet' }))).message).toContain(
      'does not begin as one',
    );
  });
});

describe('the pages of a column', () => {
  /** A data page header: type, unpacked and packed size, and a data page header with its number of values. */
  const page = (values: readonly number[], packed = 0) =>
    Uint8Array.of(
      0x15,
      0,
      0x15,
      2 * packed,
      0x15,
      2 * packed,
      0x2c,
      0x15,
      ...values,
      0,
      0,
      ...new Uint8Array(packed),
    );

  test('are as large as they say', () => {
    expect(unpackedBytes({ bytes: page([4], 10), rows: 2 })).toBe(10);
  });

  test.each([
    ['hold more values than there are rows', page([254, 255, 255, 255, 15]), 2],
    ['hold fewer', page([2]), 2],
    ['are longer than the column', page([4], 10).subarray(0, 14), 2],
    ['count backwards', page([3]), 2],
    ['never end', Uint8Array.of(0x15, 255, 255, 255, 255, 255, 255), 2],
  ])('that %s are refused', (_, bytes, rows) => {
    expect(() => unpackedBytes({ bytes, rows })).toThrow(/page|column|values/);
  });
});

describe('names of classes on a card', () => {
  const feature = { name: 'label', dtype: { class_label: { names: { '0': 'entailment', '1': 'neutral' } } } };

  test('are those of the part that is meant', () => {
    const other = { ...feature, dtype: { class_label: { names: ['x', 'y'] } } };
    const card = {
      dataset_info: [
        { config_name: 'a', features: [feature, { name: 'premise', dtype: 'string' }] },
        { config_name: 'b', features: [other] },
      ],
    };
    expect(classNamesOfCard(card, 'a').get('label')).toEqual(['entailment', 'neutral']);
    expect(classNamesOfCard(card, 'b').get('label')).toEqual(['x', 'y']);
    expect(classNamesOfCard(card, null).size).toBe(0);
    expect(classNamesOfCard({ dataset_info: { features: [feature] } }, null).size).toBe(1);
  });

  test.each([
    null,
    {},
    { dataset_info: 7 },
    { dataset_info: { features: [{ name: 'label', dtype: { class_label: { names: { '1': 'a' } } } }] } },
  ])('of %j are none', (card) => {
    expect(classNamesOfCard(card, null).size).toBe(0);
  });
});
