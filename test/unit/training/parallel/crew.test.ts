/** @file Tests. A run that two processes train: it has the gradients of one, says so, and leaves nothing. More: crew.slow.test.ts. */
import { expect, it } from 'vitest';
import { exchangeFolders, expectNothingLeft, onWorkers } from '../../../support/crewForTests.ts';
import { expectSameGradients, gradientsOf } from '../../../support/crewRuns.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { preparePretraining } from '../../../support/pretrainedRun.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { prepareRun, train } from '../../../support/trainedRun.ts';

const CHANGES = { epochs: 1, lr: 0.003, dropout: 0.1, clipNorm: 0.5, layers: 2 };

it('has the gradients of one process', async ({ skip }) => {
  engineForTests('native', skip);
  const changes = { ...CHANGES, batchSize: 512, microBatchTokens: 300 };
  const prepared = () => prepareRun(temporaryFolder(), changes, { rows: 240, engine: 'native' });
  const one = await gradientsOf(await prepared(), null);
  expectSameGradients(one, await gradientsOf(onWorkers(await prepared(), 2), null));
});

// The terms of the head for the next sentence cancel sixtyfold.
it.for(['native', 'wasm'] as const)(
  'has the gradients of one process in a pretraining on %s that takes all rows at once',
  async (engine, { skip }) => {
    engineForTests('native', skip);
    const changes = { epochs: 1, batchSize: 4096, dropout: 0.1, seed: 7 };
    const prepared = () => preparePretraining(temporaryFolder(), changes, { engine, paragraphs: 600 });
    const one = await gradientsOf(await prepared(), null);
    expectSameGradients(one, await gradientsOf(onWorkers(await prepared(), 2), null));
  },
);

it('says on what it trains, and leaves no files and no processes', async ({ skip }) => {
  engineForTests('native', skip);
  const run = onWorkers(await prepareRun(temporaryFolder(), CHANGES, { rows: 60, engine: 'native' }), 2);
  const attempt = train(run);
  expect(exchangeFolders()).toHaveLength(1);
  expect(await attempt.done).toMatchObject({ outcome: 'finished' });
  const { engine } = attempt.reports.find((report) => report.kind === 'started')!;
  expect(engine.device).toMatch(/^cpu \w+ × 2$/);
  expect(engine).toMatchObject({ devices: ['cpu', 'cpu'], threads: 2, pinned: { devices: '2' } });
  expectNothingLeft(attempt.pids);
});
