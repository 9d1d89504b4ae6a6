/** @file Tests. A run from scratch with a WordPiece vocabulary, on the command line: trained, looked at, asked, started from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { type Ran, runEntail } from '../../support/runEntail.ts';
import { SMALL_PIECES, SMALL_VOCAB_TXT } from '../../support/smallWordPiece.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const SIZES = ['--size', 'free', '--hidden', '16', '--heads', '2', '--feed-forward', '24', '--layers', '1'];

it('trains, predicts and goes on in pieces of words', async () => {
  const home = temporaryFolder();
  const entail = async (...words: string[]): Promise<Ran> => {
    const ran = await runEntail(words, { home });
    expect(ran.code, `${words.join(' ')}\n${ran.stderr}`).toBe(0);
    return ran;
  };
  const csv = join(home, 'pairs.csv');
  const splits = ['train', 'dev', 'test'];
  writePairsCsv(
    csv,
    numberedPairs(60).map((pair, at) => ({ ...pair, split: splits[at % 3]! })),
  );
  const vocabulary = join(home, 'vocab.txt');
  writeFileSync(vocabulary, SMALL_VOCAB_TXT);
  await entail('datasets', 'import', csv, '--name', 'pairs');
  const settings = ['--dataset', 'pairs', '--epochs', '1', '--batch-size', '16', '--engine', 'wasm'];
  await entail('train', ...settings, ...SIZES, '--vocabulary', vocabulary, '--json');
  const [run] = JSON.parse((await entail('runs', 'list', '--json')).stdout);
  const shown = JSON.parse((await entail('runs', 'show', run.id, '--json')).stdout);
  expect(JSON.stringify(shown)).toContain('"tokenizer":"wordpiece"');
  expect(JSON.stringify(shown)).toContain(`"vocabularySize":${SMALL_PIECES.length}`);
  expect(readFileSync(join(home, 'runs', run.id, 'vocab.txt'), 'utf8')).toBe(SMALL_VOCAB_TXT);
  const asked = await entail(
    'predict',
    run.id,
    '--premise',
    "The dog doesn't sleep",
    '--hypothesis',
    'Dogs sleep',
  );
  expect(asked.stdout).toMatch(/entailment|contradiction|neutral/);
  await entail('evaluate', run.id, '--split', 'test');
  await entail('train', ...settings, '--model', run.id, '--json');
  const [second] = JSON.parse((await entail('runs', 'list', '--json')).stdout);
  expect(second.id).not.toBe(run.id);
  expect(readFileSync(join(home, 'runs', second.id, 'vocab.txt'), 'utf8')).toBe(SMALL_VOCAB_TXT);
});
