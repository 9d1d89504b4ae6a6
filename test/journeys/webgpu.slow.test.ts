/** @file Tests. The command line on the engine webgpu, in software: train, predict, go without a GPU. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { engineForTests } from '../support/enginesForTests.ts';
import { writePairsCsv } from '../support/pairsCsv.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const NETWORK = [
  ...['--size', 'free', '--hidden', '8', '--heads', '2', '--feed-forward', '12', '--layers', '1'],
  ...['--workers', '1', '--min-freq', '1', '--epochs', '1', '--batch-size', '16'],
];
const TRAIN = ['train', '--dataset', 'pairs', '--engine', 'webgpu', '--json', ...NETWORK];

/** Labelled by whether both sentences are the same. */
const PAIRS = Array.from({ length: 40 }, (_, at) => ({
  premise: at % 2 === 0 ? 'a dog runs' : 'a cat sleeps in a house',
  hypothesis: at % 4 < 2 ? 'a dog runs' : 'a man sings',
  label: at % 4 === 0 ? 'entailment' : 'neutral',
  split: at % 10 === 0 ? 'test' : 'train',
}));

async function home(): Promise<string> {
  const folder = temporaryFolder();
  writePairsCsv(join(folder, 'pairs.csv'), PAIRS);
  const imported = ['datasets', 'import', join(folder, 'pairs.csv'), '--name', 'pairs'];
  expect(await runEntail(imported, { home: folder })).toMatchObject({ code: 0 });
  return folder;
}

it('trains and answers', async ({ skip }) => {
  engineForTests('webgpu', skip);
  const folder = await home();
  const trained = await runEntail(TRAIN, { home: folder });
  expect(trained.stderr).toBe('');
  expect(trained.code).toBe(0);
  const { runId } = jsonLines(trained.stdout).at(-1) as { runId: string };
  const shown = await runEntail(['runs', 'show', runId], { home: folder });
  expect(shown.stdout).toContain('webgpu:0');
  const asked = ['predict', runId, '--premise', 'a dog runs', '--hypothesis', 'a man sings'];
  const here = await runEntail([...asked, '--engine', 'webgpu', '--json'], { home: folder });
  const there = await runEntail([...asked, '--engine', 'wasm', '--json'], { home: folder });
  expect(here.code, here.stderr).toBe(0);
  const probabilitiesOf = ({ stdout }: { stdout: string }) =>
    (jsonLines(stdout)[0] as { probabilities: Record<string, number> }).probabilities;
  const [one, other] = [here, there].map(probabilitiesOf);
  for (const [label, probability] of Object.entries(one!)) expect(probability).toBeCloseTo(other![label]!, 5);
});

it('refuses to train without a GPU, and says what to do', async ({ skip }) => {
  engineForTests('webgpu', skip);
  const folder = await home();
  const environment = { ENTAIL_WEBGPU_ADAPTER: 'Voodoo' };
  const refused = await runEntail(TRAIN, { home: folder, environment });
  expect(refused.code).not.toBe(0);
  expect(refused.stdout + refused.stderr).toContain('finds no GPU called');
  expect(refused.stdout + refused.stderr).toContain('--engine native');
});

it('refuses half precision until it has been tried', async ({ skip }) => {
  engineForTests('webgpu', skip);
  const folder = await home();
  const refused = await runEntail([...TRAIN, '--precision', 'fp16'], { home: folder });
  expect(refused.code).toBe(2);
  expect(refused.stdout + refused.stderr).toContain('has not been tried');
});
