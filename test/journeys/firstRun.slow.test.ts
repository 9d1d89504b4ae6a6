/** @file Tests. One person's way through the command line: import, train, look, compare, ask, evaluate, delete. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const home = temporaryFolder();
const SMALL = ['--size', 'free', '--layers', '1', '--hidden', '16', '--heads', '2', '--feed-forward', '16'];
const entail = async (...words: string[]) => {
  const ran = await runEntail(words, { home });
  expect(`${ran.code} ${ran.stderr}`, words.join(' ')).toBe('0 ');
  return ran.stdout;
};

async function train(...words: string[]): Promise<{ runId: string; testAccuracy: number }> {
  const stdout = await entail(
    'train',
    '--dataset',
    'pairs',
    '--engine',
    'wasm',
    '--epochs',
    '2',
    '--batch-size',
    '32',
    '--json',
    ...words,
  );
  const last = jsonLines(stdout).at(-1)! as { event: string; runId: string; testAccuracy: number };
  expect(last).toMatchObject({
    event: 'result',
    runId: expect.any(String),
    testAccuracy: expect.any(Number),
  });
  return last;
}

let first: { runId: string; testAccuracy: number };
beforeAll(async () => {
  const path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(path, numberedPairs(300));
  await entail('datasets', 'import', path, '--name', 'pairs');
  first = await train(...SMALL);
});

describe('after a run', () => {
  it('lists, shows and compares it with another', async () => {
    const second = await train(...SMALL, '--lr', '0.01');
    const listed = JSON.parse(await entail('runs', 'list', '--json')) as { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining([first.runId, second.runId]));
    const compared = await entail('runs', 'compare', first.runId, second.runId);
    expect(compared).toMatch(/lr\s+0\.0001\s+0\.01/);
    expect(compared).not.toMatch(/batchSize/);
  });

  it('gives the same figures again when it is evaluated', async () => {
    const stdout = await entail('evaluate', first.runId, '--split', 'test', '--json');
    expect(jsonLines(stdout).at(-1)).toMatchObject({ accuracy: first.testAccuracy });
  });

  it('answers one pair, and a file as long as one likes, the same', async () => {
    const input = join(temporaryFolder(), 'in.jsonl');
    const output = join(temporaryFolder(), 'out.jsonl');
    const row = { premise: 'Person 1 rides a horse.', hypothesis: 'Somebody is outside at 1.', note: '=1+1' };
    writeFileSync(input, `${JSON.stringify(row)}\n`.repeat(3));
    await entail('predict', first.runId, '--input', input, '--output', output);
    const lines = jsonLines(readFileSync(output, 'utf8'));
    expect(lines).toHaveLength(3);
    const one = await entail(
      'predict',
      first.runId,
      '--premise',
      row.premise,
      '--hypothesis',
      row.hypothesis,
      '--json',
    );
    const answer = JSON.parse(one) as { label: string };
    expect(JSON.stringify(lines[2])).toContain(`"${answer.label}"`);
    expect(lines[0]).toEqual(lines[2]);
  });

  it('can be started from, with its words and its shape', async () => {
    const next = await train('--model', first.runId, '--lr', '0.001');
    const shown = JSON.parse(await entail('runs', 'show', next.runId, '--json')) as {
      config: { model: { hidden: number }; startFrom: string };
    };
    expect(shown.config.model.hidden).toBe(16);
    expect(shown.config.startFrom).toContain(first.runId);
  });

  it('goes, with its files, only when that is said', async () => {
    const doomed = await train(...SMALL);
    const unsure = await runEntail(['runs', 'delete', doomed.runId], { home });
    expect(unsure.code).not.toBe(0);
    await entail('runs', 'delete', doomed.runId, '--yes');
    expect((await runEntail(['runs', 'show', doomed.runId], { home })).code).toBe(1);
  });
});
