/** @file Tests. The command line's way from a text to a fine-tuned model: pretrain, look, go on, fine-tune, compare; and what is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { topicalText } from '../support/pretrainedRun.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const home = temporaryFolder();
const files = temporaryFolder();
const text = join(files, 'topics.txt');
const SMALL = ['--hidden', '16', '--feed-forward', '24', '--max-len', '32', '--batch-size', '64'];
const entail = async (...words: string[]) => {
  const ran = await runEntail(words, { home });
  expect(`${ran.code} ${ran.stderr}`, words.join(' ')).toBe('0 ');
  return ran.stdout;
};
const pretrain = async (...words: string[]) => {
  const common = ['--engine', 'wasm', '--epochs', '2', '--lr', '0.005', ...SMALL, '--json'];
  return jsonLines(await entail('pretrain', ...common, ...words)) as Record<string, unknown>[];
};
let runId = '';

beforeAll(async () => {
  writeFileSync(text, topicalText(200));
  const events = await pretrain('--text', text, '--name', 'first');
  expect(events[0]).toMatchObject({ event: 'progress', step: 'read' });
  expect(events.find(({ event }) => event === 'text')).toMatchObject({ name: 'topics', layout: 'plain' });
  const last = events.at(-1)!;
  expect(last).toMatchObject({ event: 'result', epochs: 2, pretraining: { maskedLoss: expect.any(Number) } });
  runId = last['runId'] as string;
});

describe('a pretraining', () => {
  it('is listed and shown as what it is', async () => {
    expect(await entail('runs', 'list')).toMatch(/topics \(text\)/);
    const shown = await entail('runs', 'show', runId);
    expect(shown).toMatch(/^text\s+topics/m);
    expect(shown).toMatch(/MLM loss \d\.\d{3}, NSP loss \d\.\d{3}, NSP acc 0\.\d{3}/);
    expect(shown).toContain('the next sentence');
  });

  it('is gone on from by another one, with its words', async () => {
    const events = await pretrain('--text', 'topics', '--model', runId);
    const { runId: next } = events.at(-1)!;
    const shown = JSON.parse(await entail('runs', 'show', next as string, '--json'));
    expect(shown.config.startFrom).toContain(runId);
    const points = events.flatMap(({ event, points: of }) => (event === 'metrics' ? (of as never[]) : []));
    const [first] = points.filter(({ metric }: { metric: string }) => metric === 'step/maskedLoss') as {
      value: number;
    }[];
    expect(first!.value).toBeLessThan(0.9 * Math.log(shown.config.model.vocabularySize));
    expect(await entail('runs', 'compare', runId, next as string)).toMatch(/dev\/maskedLoss/);
  });

  it('is fine-tuned from, with a head for the labels', async () => {
    const pairs = join(files, 'pairs.csv');
    writePairsCsv(pairs, numberedPairs(200));
    await entail('datasets', 'import', pairs, '--name', 'pairs');
    const words = ['--dataset', 'pairs', '--model', runId, '--engine', 'wasm', '--epochs', '1', '--json'];
    const tuned = jsonLines(await entail('train', ...words)).at(-1)!;
    const { config } = JSON.parse(await entail('runs', 'show', tuned['runId'] as string, '--json'));
    expect(config.kind).toBeUndefined();
    expect(config.model).toMatchObject({ hidden: 16, classes: 3 });
  });

  it('waits in the queue when it is told to', async () => {
    expect(await entail('pretrain', '--text', 'topics', '--queue', ...SMALL)).toMatch(/waits at place 1/);
    expect(await entail('queue', 'list')).toContain('topics');
  });
});

describe('refuses, saying what to do,', () => {
  it.each([
    [['pretrain', '--text', join(files, 'no-such.txt')], 1, /no-such\.txt/],
    [['pretrain', '--text', text, '--min-freq', '1000'], 2, /vocabulary would be empty/],
    [['pretrain', '--text', text, '--loss', 'sum'], 2, /unknown option '--loss'/],
    [['pretrain', '--text', text, '--hidden', '15', '--heads', '2'], 2, /multiple of --heads/],
    [['pretrain', '--text', text, '--layout', 'pdf'], 2, /layout/],
    [['pretrain'], 2, /--text/],
  ])('%j', async (words, code, message) => {
    const ran = await runEntail(words, { home });
    expect(ran.code).toBe(code);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).toMatch(/next:|npx --no entail/);
  });

  it('to predict or evaluate with a pretraining', async () => {
    const ran = await runEntail(['predict', runId, '--premise', 'A.', '--hypothesis', 'B.'], { home });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/is a pretraining: it knows no labels[\s\S]*train --dataset NAME --model/);
  });
});
