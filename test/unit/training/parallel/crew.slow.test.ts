/**
 * @file Tests. A run that several processes train, each on its share of every batch, against the same run in one: gradients,
 * losses, and the same bits every time.
 */
import { describe, expect, it } from 'vitest';
import type { DeviceName } from '../../../../shared/devices.ts';
import type { EngineName } from '../../../../shared/engines.ts';
import { EXCHANGES, type ExchangeName, onWorkers } from '../../../support/crewForTests.ts';
import { expectSameGradients, finished, gradientsOf, LOSS_TOLERANCE } from '../../../support/crewRuns.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { preparePretraining } from '../../../support/pretrainedRun.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { lossesOf, type PreparedRun, prepareRun, weightsOf } from '../../../support/trainedRun.ts';

const CHANGES = { epochs: 1, lr: 0.003, dropout: 0.1, clipNorm: 0.5, layers: 2 };
/** Of 192 training pairs: 20 steps of 50, of which every fourth has 42. */
const TWENTY_STEPS = { batchSize: 50, epochs: 5 };
const engines: readonly EngineName[] = ['native', 'wasm'];

/** After 20 steps by each of the exchanges, which all end with the same bits. */
async function expectLossesOfOne(
  prepared: () => Promise<PreparedRun>,
  workers: number,
  exchanges: readonly ExchangeName[],
): Promise<void> {
  const one = lossesOf([await finished(await prepared(), null)]);
  const runs: PreparedRun[] = [];
  for (const exchange of exchanges) {
    const run = onWorkers(await prepared(), workers);
    const losses = lossesOf([await finished(run, exchange)]);
    expect(losses.size).toBe(20);
    for (const [step, loss] of one) expect(Math.abs(losses.get(step)! - loss)).toBeLessThan(LOSS_TOLERANCE);
    runs.push(run);
  }
  const [first, ...others] = runs.map(weightsOf);
  for (const other of others) expect(other).toEqual(first);
}

describe.each(engines)('a run on %s', (engine) => {
  const prepared = (changes: Readonly<Record<string, unknown>>) =>
    prepareRun(temporaryFolder(), { ...CHANGES, ...changes }, { rows: 240, engine });

  it.for([
    ['memory', 2],
    ['pipe', 2],
    ['memory', 4],
  ] as const)('has the gradients of one process by %s in %d', async ([exchange, workers], { skip }) => {
    engineForTests('native', skip);
    const changes = { batchSize: 512, microBatchTokens: 300 };
    const one = await gradientsOf(await prepared(changes), null);
    const many = await gradientsOf(onWorkers(await prepared(changes), workers), exchange);
    expectSameGradients(one, many);
  });

  it('has the losses of one process after 20 steps, and the same bits every time and by every exchange', async ({
    skip,
  }) => {
    engineForTests('native', skip);
    await expectLossesOfOne(() => prepared(TWENTY_STEPS), 2, [...EXCHANGES, 'memory']);
  });
});

// 'tensorflow' draws its dropout by the place in a micro-batch, so without.
it.for([
  ['native', 4, 0.1],
  ['tensorflow', 2, 0],
] as const)(
  'a run on %s in %d has the losses of one process after 20 steps, and the same bits every time',
  async ([engine, workers, dropout], { skip }) => {
    engineForTests('native', skip);
    const dataDirectory = engineForTests(engine, skip);
    const changes = { ...CHANGES, ...TWENTY_STEPS, dropout };
    const prepared = () => prepareRun(temporaryFolder(), changes, { rows: 240, engine, dataDirectory });
    await expectLossesOfOne(prepared, workers, ['memory', 'memory']);
  },
);

it('a batch of fewer pairs than processes is trained by some of them', async ({ skip }) => {
  engineForTests('native', skip);
  const prepared = () =>
    prepareRun(temporaryFolder(), { ...CHANGES, batchSize: 1 }, { rows: 10, engine: 'native' });
  const one = lossesOf([await finished(await prepared(), null)]);
  const three = lossesOf([await finished(onWorkers(await prepared(), 3), null)]);
  expect(three.size).toBe(8);
  for (const [step, loss] of one) expect(Math.abs(three.get(step)! - loss)).toBeLessThan(LOSS_TOLERANCE);
});

it('a frozen encoder stays what it was', async ({ skip }) => {
  engineForTests('native', skip);
  const changes = { ...CHANGES, freezeEncoder: true, batchSize: 512, optimizer: 'adam' };
  const prepared = () => prepareRun(temporaryFolder(), changes, { rows: 60, engine: 'native' });
  const one = await gradientsOf(await prepared(), null);
  const two = await gradientsOf(onWorkers(await prepared(), 2), null);
  expectSameGradients(one, two);
});

it('a run on tensorflow has the gradients of one process', async ({ skip }) => {
  engineForTests('native', skip);
  const dataDirectory = engineForTests('tensorflow', skip);
  // Its dropout is drawn by the place in a micro-batch, so without.
  for (const [rows, microBatchTokens, workers] of [
    [640, 300, 4],
    [640, 0, 2],
    [5000, 0, 2],
  ] as const) {
    const sizes = { hidden: 64, heads: 4, feedForward: 128 };
    const changes = { ...CHANGES, ...sizes, dropout: 0, batchSize: 4096, microBatchTokens };
    const prepared = () =>
      prepareRun(temporaryFolder(), changes, { rows, engine: 'tensorflow', dataDirectory });
    const one = await gradientsOf(await prepared(), null);
    expectSameGradients(one, await gradientsOf(onWorkers(await prepared(), workers), 'memory'));
  }
});

it('a run on webgpu has the gradients of one process', async ({ skip }) => {
  engineForTests('native', skip);
  engineForTests('webgpu', skip);
  const changes = { ...CHANGES, layers: 1, batchSize: 512, microBatchTokens: 300 };
  const prepared = (devices: readonly DeviceName[]) =>
    prepareRun(temporaryFolder(), changes, { rows: 60, engine: 'webgpu', devices });
  const one = await gradientsOf(await prepared(['webgpu:0']), null);
  // There is one adapter here, so both workers compute on it; the queue gives each device to one.
  const two = await gradientsOf(await prepared(['webgpu:0', 'webgpu:0']), 'memory');
  expectSameGradients(one, two);
});

describe.each([...engines, 'tensorflow'] as const)('a pretraining on %s', (engine) => {
  // At few tokens a batch is many micro-batches; at 0 one, or a few of all rows that the engine takes at once. In the head
  // for the next sentence terms cancel: with these seeds fifteenfold, sixtyfold and eightyfold.
  it.for([
    [60, 300, 0],
    [60, 300, 1],
    [600, 1000, 7],
    [600, 1000, 12],
    [600, 0, 1],
    [600, 0, 7],
    [600, 0, 12],
  ])(
    'of %d paragraphs, %d tokens at once and seed %d, has the gradients of one process in two',
    async ([paragraphs, microBatchTokens, seed], { skip }) => {
      engineForTests('native', skip);
      // TensorFlow is looked for in the data directory, and its dropout is drawn by the place in a micro-batch.
      const isTensorflow = engine === 'tensorflow';
      const enginesOf = isTensorflow ? engineForTests(engine, skip) : null;
      const dropout = isTensorflow ? 0 : 0.1;
      const changes = { epochs: 1, batchSize: 4096, dropout, clipNorm: 0.5, microBatchTokens, seed };
      const prepared = () =>
        preparePretraining(temporaryFolder(), changes, { engine, paragraphs, enginesOf });
      const one = await gradientsOf(await prepared(), null);
      const two = await gradientsOf(onWorkers(await prepared(), 2), null);
      expectSameGradients(one, two);
    },
  );
});
