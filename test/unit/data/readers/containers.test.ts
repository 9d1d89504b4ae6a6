/** @file Tests. Data sets in folders and straight from zip archives: which files are taken, in which order, and what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSource } from '../../../../main/data/readers/open.ts';
import { brief, briefRows, fileWith, read, snliLine, snliText } from '../../../support/sourceRows.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { zipBytes } from '../../../support/zipBytes.ts';

describe('a folder or an archive', () => {
  const split = (name: string) => snliText([snliLine('neutral', name, 'b')]);
  const expected = ['2 train 2 train | b', '2 dev 2 dev | b', '2 test 2 test | b'];

  it('gives train, dev and test, text before JSONL', async () => {
    const folder = temporaryFolder();
    for (const name of ['test', 'dev', 'train'])
      writeFileSync(join(folder, `snli_1.0_${name}.txt`), split(name));
    for (const name of ['README.txt', 'snli_1.0_train.jsonl', '.DS_Store', 'snli_1.0_train.txt.gz']) {
      writeFileSync(join(folder, name), 'not looked at');
    }
    mkdirSync(join(folder, 'snli_1.0_test'));
    const { source, rows } = await read(folder);
    expect(rows.map(brief)).toEqual(expected);
    expect(source.files.map(({ name, split: of }) => [name, of])).toEqual([
      ['snli_1.0_train.txt', 'train'],
      ['snli_1.0_dev.txt', 'dev'],
      ['snli_1.0_test.txt', 'test'],
    ]);
  });

  it('prefers the format that has the training split', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'dev.txt'), split('dev'));
    for (const name of ['train', 'dev']) writeFileSync(join(folder, `${name}.tsv`), split(name));
    expect(await briefRows(folder)).toEqual(expected.slice(0, 2));
  });

  it('gives the same rows straight from the zip', async () => {
    const parts = ['test', 'train', 'dev'].map((name) => ({
      name: `snli_1.0/snli_1.0_${name}.txt`,
      content: split(name),
    }));
    const others = [
      { name: 'snli_1.0/Icon\r', content: '' },
      { name: '__MACOSX/snli_1.0/._snli_1.0_train.txt', content: 'x' },
      { name: '__MACOSX/snli_1.0/snli_1.0_train.txt', content: 'x' },
      { name: 'snli_1.0/README.txt', content: 'x' },
    ];
    const path = fileWith('snli_1.0.zip', zipBytes([...others, ...parts]));
    const { source, rows } = await read(path);
    expect(rows.map(brief)).toEqual(expected);
    expect(source.bytesRead()).toBe(source.totalBytes);
  });

  it('says when the archive is damaged inside', async () => {
    const parts = [{ name: 'a/train.txt', content: split('train').repeat(2000), declaredChecksum: 7 }];
    expect((await studioRejectionOf(read(fileWith('a.zip', zipBytes(parts))))).code).toBe(
      'CHECKSUM_MISMATCH',
    );
  });

  it.each([
    ['nothing', []],
    ['nothing that it knows', ['README.txt', 'picture.png', 'a.tsv', 'b.tsv']],
  ])('is refused with %s', async (_name, names) => {
    const folder = temporaryFolder();
    for (const name of names) writeFileSync(join(folder, name), 'x');
    const error = await studioRejectionOf(openSource(folder));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain('holds no data set');
    expect(error.nextStep).not.toBe('');
    const zip = fileWith('a.zip', zipBytes(names.map((name) => ({ name }))));
    expect((await studioRejectionOf(openSource(zip))).code).toBe('BAD_FILE');
  });

  it('is refused when it holds two data sets', async () => {
    const folder = temporaryFolder();
    for (const name of ['snli_1.0_train.txt', 'mine_train.txt'])
      writeFileSync(join(folder, name), split('a'));
    expect((await studioRejectionOf(openSource(folder))).message).toMatch(
      /several data sets: (snli_1\.0, mine|mine, snli_1\.0)/,
    );
  });
});

describe('names that hold their split somewhere', () => {
  const folderWith = (names: readonly string[]): string => {
    const folder = temporaryFolder();
    for (const name of names) writeFileSync(join(folder, name), 'text\tlabel\na\tx\nb\ty\n');
    return folder;
  };

  it.each([
    [
      'MultiNLI with a part of its training split',
      ['mnli_dev_matched.tsv', 'mnli_dev_mismatched.tsv', 'mnli_train_subset_tokenised.tsv'],
      ['train mnli_train_subset_tokenised.tsv', 'dev mnli_dev_matched.tsv', 'dev mnli_dev_mismatched.tsv'],
      [],
    ],
    [
      'shards and digits',
      ['train-00000-of-00002.tsv', 'train-00001-of-00002.tsv', 'test2.tsv', 'validation.v1.tsv'],
      [
        'train train-00000-of-00002.tsv',
        'train train-00001-of-00002.tsv',
        'dev validation.v1.tsv',
        'test test2.tsv',
      ],
      [],
    ],
    [
      'a name that ends in the split goes first; others are named, but no README and no second format',
      ['a_train.tsv', 'a_dev.tsv', 'a_dev.part.tsv', 'a_train.jsonl', 'latest.tsv', 'README.txt', 'x.png'],
      ['train a_train.tsv', 'dev a_dev.tsv'],
      ['a_dev.part.tsv', 'latest.tsv'],
    ],
    [
      'two splits in one name',
      ['train.tsv', 'train_test_lengths.csv'],
      ['train train.tsv'],
      ['train_test_lengths.csv'],
    ],
  ])('%s', async (_name, names, taken, ignored) => {
    const source = await openSource(folderWith(names));
    await source.close();
    expect(source.files.map(({ name, split }) => `${split} ${name}`)).toEqual(taken);
    expect(source.ignoredFiles).toEqual(ignored);
  });
});

describe('a folder of tables', () => {
  it('may have its columns in different orders, and labels are those of all files', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'train.csv'), 'text,label\na,x\nb,z\n');
    writeFileSync(join(folder, 'test.csv'), 'label,text\ny,c\n');
    const { source, rows } = await read(folder);
    expect(source.labels).toEqual(['x', 'y', 'z']);
    expect(rows.map(brief)).toEqual(['2 train 0 a', '3 train 2 b', '2 test 1 c']);
  });
  it('is refused when a file lacks a column', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'train.csv'), 'text,label\na,x\nb,z\n');
    writeFileSync(join(folder, 'test.csv'), 'text\nc\n');
    const error = await studioRejectionOf(openSource(folder));
    expect([error.code, error.place?.file]).toEqual(['BAD_FILE', join(folder, 'test.csv')]);
  });
});
