/** @file Tests. The command line on the engine webgpu, in software: train, predict, go without a GPU. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { engineForTests } from '../support/enginesForTests.ts';
import { halfPrecisionForTests, hasHalfPrecision } from '../support/halfPrecisionHere.ts';
import { writePairsCsv } from '../support/pairsCsv.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const NETWORK = [
  ...['--size', 'free', '--hidden', '8', '--heads', '2', '--feed-forward', '12', '--layers', '1'],
  ...['--workers', '1', '--min-freq', '1', '--epochs', '1', '--batch-size', '16'],
];
const TRY = ['engines', 'test', 'webgpu', '--precision', 'fp16'];
/** A driver in software compiles for minutes what it has not compiled before. */
const TRYING_TIMEOUT_MS = 1_200_000;
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
  expect(refused.stdout + refused.stderr).toContain('engines test webgpu --precision fp16');
});

it('cannot try half precision on a GPU that has none', async ({ skip }) => {
  if (await hasHalfPrecision(skip)) skip('this adapter has half precision (shader-f16)');
  const refused = await runEntail(TRY, { home: await home() });
  expect(refused.code).toBe(2);
  expect(refused.stdout + refused.stderr).toContain('has no half precision (shader-f16)');
});

it('trains and predicts in half precision where a test has passed', { timeout: TRYING_TIMEOUT_MS }, async ({
  skip,
}) => {
  await halfPrecisionForTests(skip);
  const folder = await home();
  const tried = await runEntail(TRY, { home: folder });
  expect(tried.stdout + tried.stderr).toContain('| verdict | passes: ');
  expect(tried.code).toBe(0);
  const doctor = await runEntail(['engines', 'doctor', '--engine', 'webgpu'], { home: folder });
  expect(doctor.stdout).toContain('half precision; tried here');
  const trained = await runEntail([...TRAIN, '--precision', 'fp16', '--json'], { home: folder });
  expect(trained.code, trained.stderr).toBe(0);
  const started = jsonLines(trained.stdout).find(({ event }) => event === 'started');
  expect(started).toMatchObject({ engine: { pinned: { precision: 'fp16' } } });
});
