/** @file Tests. Files of pairs in, files of predictions out: formats, columns, bad rows, formulas, interruptions. */
import { existsSync, linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Predictor } from '../../../main/studio/inference.ts';
import { predictFile } from '../../../main/studio/predictFile.ts';
import { type InputRow, predictionFormat, readPredictionRows } from '../../../main/studio/predictionInput.ts';
import { PredictionFormatter } from '../../../main/studio/predictionOutput.ts';
import { delimitedCell } from '../../../shared/spreadsheetCell.ts';
import { studioErrorOf, studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();

/** Rows of a file with this content. */
async function rowsOf(
  name: string,
  content: string | Uint8Array,
  given: { premise?: string; hypothesis?: string; pairs?: boolean } = {},
) {
  const path = join(folder, name);
  writeFileSync(path, content);
  const { premise = null, hypothesis = null, pairs = true } = given;
  const rows: InputRow[] = [];
  for await (const row of readPredictionRows({
    path,
    format: predictionFormat(path),
    premise,
    hypothesis,
    pairs,
  }))
    rows.push(row);
  return rows.map((row) =>
    row.kind === 'pair' ? [row.line, row.premise, row.hypothesis] : [row.line, row.reason],
  );
}

/** A model that always prefers the label whose number is the length of the premise, modulo 2. */
function lengthModel(): Predictor {
  return {
    ...{
      modelId: 'r1',
      runId: 'r1',
      labels: ['even', 'odd'],
      pairs: true,
      kill: () => {},
      close: async () => {},
    },
    predict: async (pairs) =>
      Float32Array.from(
        pairs.flatMap(({ premise }) => (premise.length % 2 === 0 ? [0.75, 0.25] : [0.25, 0.75])),
      ),
  };
}

describe('reading', () => {
  it('CSV with quotes, line breaks in cells, BOM and CRLF', async () => {
    const text = '\ufeffid,Premise,Hypothesis\r\n1,"a, b","c\nd"\r\n2,e,f\r\n';
    expect(await rowsOf('a.csv', text)).toEqual([
      [2, 'a, b', 'c\nd'],
      [4, 'e', 'f'],
    ]);
  });

  it('TSV with quotes as they are', async () => {
    expect(await rowsOf('a.tsv', 'sentence1\tsentence2\n"a\tb"\n')).toEqual([[2, '"a', 'b"']]);
  });

  it('JSONL, with keys that an object has by nature', async () => {
    const text = '{"premise":"a","hypothesis":"b","__proto__":"x"}\nnot json\n[1]\n\n{"premise":"a"}\n';
    expect(await rowsOf('a.jsonl', text)).toEqual([
      [1, 'a', 'b'],
      [2, 'no JSON object'],
      [3, 'no JSON object'],
      [5, 'no hypothesis'],
    ]);
  });

  it('columns by name, and one text column', async () => {
    expect(await rowsOf('b.csv', 'a,b\nx,y\n', { premise: 'b', hypothesis: 'a' })).toEqual([[2, 'y', 'x']]);
    expect(await rowsOf('c.csv', 'text,b\nx,y\n', { pairs: false })).toEqual([[2, 'x', null]]);
  });

  it('reports rows that cannot be used and goes on', async () => {
    const bad = Buffer.concat([
      Buffer.from('premise,hypothesis\na,b\n\nx\n,y\n'),
      Buffer.from([0xff, 0x2c, 0x61, 0x0a]),
      Buffer.from('c,d'),
    ]);
    expect(await rowsOf('d.csv', bad)).toEqual([
      [2, 'a', 'b'],
      [4, 'wrong column count'],
      [5, 'no premise'],
      [6, 'invalid UTF-8'],
      [7, 'c', 'd'],
    ]);
  });

  it('says which columns there are when the wanted ones are not', async () => {
    const error = await studioRejectionOf(rowsOf('e.csv', 'left,right\na,b\n'));
    expect(error).toMatchObject({ code: 'USAGE', place: { line: 1 } });
    expect(error.message).toContain('left, right');
    expect(studioErrorOf(() => predictionFormat('pairs.xlsx')).code).toBe('USAGE');
  });
});

describe('cells', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+cmd', "'+cmd"],
    ['-x', "'-x"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', "'\tx"],
    ['\rx', `"'\rx"`],
    ['-0.5', '-0.5'],
    ['+3', '+3'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['nul\0byte', 'nulbyte'],
    ['\0=1', "'=1"],
  ])('%j becomes %j', (value, cell) => {
    expect(delimitedCell(value, ',')).toBe(cell);
  });

  it('are quoted for the delimiter at hand', () => {
    expect(delimitedCell('a\tb', '\t')).toBe('"a\tb"');
    expect(delimitedCell('a,b', '\t')).toBe('a,b');
  });
});

describe('writing', () => {
  const row = {
    line: 2,
    premise: 'a',
    hypothesis: 'b',
    cells: new Map<string, unknown>([
      ['id', -0.5],
      ['note', '=x'],
    ]),
  };
  const shares = Float32Array.of(0.25, 0.75);

  it('keeps the columns and adds label and probabilities', () => {
    expect(new PredictionFormatter('csv', ['no', 'yes']).text([row], shares)).toBe(
      "id,note,predicted,p(no),p(yes)\n-0.5,'=x,yes,0.25,0.75\n",
    );
    expect(JSON.parse(new PredictionFormatter('jsonl', ['no', 'yes']).text([row], shares))).toEqual({
      ...{ id: -0.5, note: '=x', predicted: 'yes', probabilities: { no: 0.25, yes: 0.75 } },
    });
  });
});

describe('predictFile', () => {
  const never = new AbortController().signal;
  const input = (path: string) => ({
    path,
    format: 'csv' as const,
    premise: null,
    hypothesis: null,
    pairs: true,
  });

  it('streams more rows than a block holds, and counts', async () => {
    const path = join(folder, 'many.csv');
    const output = join(folder, 'many.out.jsonl');
    const rows = Array.from({ length: 1300 }, (_, index) => `${'x'.repeat(1 + (index % 2))},y`);
    writeFileSync(path, `premise,hypothesis\n${rows.join('\n')}\n,empty\n`);
    const seen: number[] = [];
    const done = await predictFile(lengthModel(), {
      ...{ input: input(path), output: { path: output, format: 'jsonl', force: false }, signal: never },
      onProgress: (pairs) => seen.push(pairs),
    });
    expect(done).toMatchObject({ pairs: 1300, labelCounts: { even: 650, odd: 650 } });
    expect([...done.rejected]).toEqual([['no premise', { count: 1, firstLine: 1302 }]]);
    expect(seen).toEqual([512, 1024, 1300]);
    expect(readFileSync(output, 'utf8').trimEnd().split('\n')).toHaveLength(1300);
  });

  it('leaves nothing when it is cancelled, fails or has nothing to do', async () => {
    const path = join(folder, 'few.csv');
    const place = temporaryFolder();
    writeFileSync(path, 'premise,hypothesis\na,b\n');
    const output = { path: join(place, 'out.csv'), format: 'csv' as const, force: false };
    const options = { input: input(path), output, signal: never, onProgress: () => {} };
    const cancelled = predictFile(lengthModel(), { ...options, signal: AbortSignal.abort() });
    expect((await studioRejectionOf(cancelled)).code).toBe('CANCELLED');
    const broken = { ...lengthModel(), predict: () => Promise.reject(new Error('the child died')) };
    await expect(predictFile(broken, options)).rejects.toThrow('the child died');
    writeFileSync(path, 'premise,hypothesis\n');
    expect((await studioRejectionOf(predictFile(lengthModel(), options))).code).toBe('BAD_FILE');
    expect(readdirSync(place)).toEqual([]);
  });

  it('replaces a file only when it is told to', async () => {
    const path = join(folder, 'one.csv');
    const output = { path: join(folder, 'kept.csv'), format: 'csv' as const, force: false };
    writeFileSync(path, 'premise,hypothesis\na,b\n');
    writeFileSync(output.path, 'precious');
    const options = { input: input(path), output, signal: never, onProgress: () => {} };
    expect((await studioRejectionOf(predictFile(lengthModel(), options))).code).toBe('ALREADY_EXISTS');
    expect(readFileSync(output.path, 'utf8')).toBe('precious');
    await predictFile(lengthModel(), { ...options, output: { ...output, force: true } });
    expect(existsSync(output.path) && readFileSync(output.path, 'utf8')).toContain('predicted');
  });

  it('never writes over its own input, however that is spelled', async () => {
    const place = temporaryFolder();
    const path = join(place, 'own.csv');
    writeFileSync(path, 'premise,hypothesis\na,b\n');
    symlinkSync(path, join(place, 'symbolic.csv'));
    symlinkSync(place, join(place, 'round'));
    linkSync(path, join(place, 'hard.csv'));
    for (const name of ['own.csv', './x/../own.csv', 'symbolic.csv', 'round/own.csv', 'hard.csv']) {
      const output = { path: `${place}/${name}`, format: 'csv' as const, force: true };
      const options = { input: input(path), output, signal: never, onProgress: () => {} };
      expect((await studioRejectionOf(predictFile(lengthModel(), options))).code).toBe('USAGE');
    }
    expect(readFileSync(path, 'utf8')).toBe('premise,hypothesis\na,b\n');
  });
});
