/**
 * @file Tests. TensorFlow computes on the processor where there is an NVIDIA driver: whoever evaluates, predicts, measures
 * or tests the engine is told so.
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { workerEnvironment } from '../../../main/engines/registry.ts';
import { tensorflowFolder } from '../../../main/engines/tensorflow/installation.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import { superviseEngineTest } from '../../../main/golden/superviseEngineTest.ts';
import { superviseProbe } from '../../../main/training/probeSupervisor.ts';
import { seemToHaveDriver } from '../../support/driverForChildren.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { callsTo } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { jsonLines } from '../../support/runEntail.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { prepareRun } from '../../support/trainedRun.ts';
import { until } from '../../support/until.ts';

const NOTICE =
  'TensorFlow computes on the processor, not on the GPU: this installation is for the processor ' +
  '(engines install tensorflow --cuda is for the GPU).';
const HOUR_MS = 3_600_000;
const PAIR = { premise: 'A man sleeps.', hypothesis: 'Nobody runs.' };

let dataDirectory: string;
beforeEach(({ skip }) => {
  dataDirectory = engineForTests('tensorflow', skip);
  if (!seemToHaveDriver()) skip('no driver can be made up here: that takes root on Linux');
});

afterEach(() => {
  vi.useRealTimers();
});

/** A data directory with a trained run, in which TensorFlow is installed. */
async function homeWithRun(): Promise<{ home: string; run: string }> {
  const home = await homeWithPairs();
  mkdirSync(dirname(tensorflowFolder(home)), { recursive: true });
  symlinkSync(tensorflowFolder(dataDirectory), tensorflowFolder(home));
  const trained = await entailHere(['train', ...TINY_RUN, '--json'], { home });
  return { home, run: String(jsonLines(trained.stdout).at(-1)!['runId']) };
}

it('evaluate and predict say it on stderr, once', async () => {
  const { home, run } = await homeWithRun();
  const { premise, hypothesis } = PAIR;
  for (const words of [
    ['evaluate', run],
    ['predict', run, '--premise', premise, '--hypothesis', hypothesis],
  ]) {
    const told = await entailHere([...words, '--engine', 'tensorflow', '--json'], { home });
    expect(told).toMatchObject({ code: 0, stderr: `note: ${NOTICE}\n` });
    const silent = await entailHere([...words, '--engine', 'wasm', '--json'], { home });
    expect(silent).toMatchObject({ code: 0, stderr: '' });
  }
});

it('a studio shows it to those who are there and to those who come later, once', async () => {
  const { home, run } = await homeWithRun();
  const calls = callsTo(openHosted(home));
  await calls.ask('app/changeSettings', { engine: 'tensorflow' });
  await calls.ask('playground/answer', { run, ...PAIR });
  const evaluation = { model: run, dataset: 'pairs', split: 'test' } as const;
  const { job } = await calls.ask('evaluations/start', evaluation);
  expect(await calls.ended(job)).toMatchObject({ state: 'done' });
  const told = () => calls.events.filter(({ kind }) => kind === 'notice');
  await until(() => told().length > 0);
  expect(told()).toEqual([{ kind: 'notice', id: 'start 0', level: 'info', text: NOTICE }]);
  expect((await calls.ask('app/info', {})).notices).toEqual([NOTICE]);
});

it.each([
  ['cuda:0', [NOTICE]],
  ['cpu', []],
] as const)('a measurement that was to be on %s says it', async (device, notices) => {
  const { job } = await prepareRun(
    temporaryFolder(),
    { epochs: 1 },
    { rows: 60, engine: 'tensorflow', dataDirectory, devices: [device] },
  );
  const told: string[] = [];
  const figures = await superviseProbe({
    entry: checkoutEntries().path('training'),
    environment: workerEnvironment('tensorflow', { dataDirectory, threads: 2 }),
    job,
    signal: new AbortController().signal,
    onProgress: () => {},
    onNotice: (text) => told.push(text),
  });
  expect(figures.engine.device).toBe('cpu');
  expect(told).toEqual(notices);
});

it("an engine's test keeps it in what it found", async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const found = await superviseEngineTest({
    entry: checkoutEntries().path('engineTest'),
    environment: workerEnvironment('tensorflow', { dataDirectory, threads: 2 }),
    order: {
      kind: 'test',
      engine: 'tensorflow',
      dataDirectory,
      device: 'cuda:0',
      threads: 2,
      precision: 'fp32',
    },
    signal: new AbortController().signal,
    timeLimitMs: HOUR_MS,
    // It comes before anything is compared, and what is known when time is up is kept.
    onProgress: () => void vi.advanceTimersByTime(HOUR_MS),
  });
  expect(found).toMatchObject({ engine: { device: 'cpu' }, notice: NOTICE });
});
