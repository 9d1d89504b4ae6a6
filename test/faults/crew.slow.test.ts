/**
 * @file Tests. A run that several processes train, and what may befall them: a worker or all of them killed or stuck, a stop,
 * a pause, a supervisor that dies. The run goes on from its last checkpoint, bit for bit on as many devices.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isProcessAlive, processStartTime } from '../../main/files/processIdentity.ts';
import { type SupervisedTraining, superviseTraining } from '../../main/training/supervisor.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { EXCHANGES, expectNothingLeft, onWorkers } from '../support/crewForTests.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { preparePretraining } from '../support/pretrainedRun.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lossesOf, type PreparedRun, prepareRun, train, weightsOf } from '../support/trainedRun.ts';
import { until } from '../support/until.ts';

const CHANGES = {
  // Long enough to be caught with a checkpoint behind it and a second before it.
  epochs: 20,
  batchSize: 32,
  lr: 0.003,
  dropout: 0.1,
  clipNorm: 1,
  checkpointEvery: 7,
  evaluateEvery: 11,
  keep: 'best',
  schedule: 'cosine',
};

async function prepared(engine: EngineName, workers = 2): Promise<PreparedRun> {
  const folder = join(temporaryFolder(), 'data');
  mkdirSync(folder);
  return onWorkers(await prepareRun(folder, CHANGES, { rows: 300, engine }), workers);
}

async function whole(run: PreparedRun): Promise<readonly WorkerReport[]> {
  const attempt = train(run);
  expect(await attempt.done).toMatchObject({ outcome: 'finished' });
  return attempt.reports;
}

/** Calls once, when the run has a checkpoint and trains on. */
function inTheMiddle(act: (training: SupervisedTraining) => void) {
  let checkpoint = false;
  let done = false;
  return (report: WorkerReport, training: SupervisedTraining) => {
    if (report.kind === 'checkpoint') checkpoint = true;
    else if (checkpoint && !done && report.kind === 'progress' && report.phase === 'training') {
      done = true;
      act(training);
    }
  };
}

const KILLED = [
  ['leader', 0, 'Device cpu (worker 1): The worker ended unexpectedly (signal SIGKILL)'],
  ['follower', 1, 'Device cpu (worker 2): The worker ended unexpectedly (signal SIGKILL)'],
] as const;

describe.each(['native', 'wasm'] as const)('a run on %s in two processes', (engine) => {
  for (const exchange of EXCHANGES)
    it.for(KILLED)(
      `goes on bit for bit after its %s was killed, by ${exchange}`,
      async ([, rank, message], { skip }) => {
        engineForTests('native', skip);
        const [reference, broken] = [await prepared(engine), await prepared(engine)];
        const reports = await whole(reference);
        const first = train(broken, {
          exchange,
          onReport: inTheMiddle(({ pids }) => process.kill(pids[rank]!, 'SIGKILL')),
        });
        expect(await first.done).toMatchObject({
          outcome: 'failed',
          error: { code: 'WORKER_CRASHED', message: expect.stringContaining(message) },
        });
        expectNothingLeft(first.pids);
        const second = train(broken, { exchange, resume: true });
        expect(await second.done).toMatchObject({ outcome: 'finished' });
        expect(lossesOf([first.reports, second.reports])).toEqual(lossesOf([reports]));
        expect(weightsOf(broken)).toEqual(weightsOf(reference));
      },
    );
});

describe('a run in four processes', () => {
  it('is stopped, kept, and goes on bit for bit', async ({ skip }) => {
    engineForTests('native', skip);
    const [reference, stopped] = [await prepared('native', 4), await prepared('native', 4)];
    await whole(reference);
    const first = train(stopped, { onReport: inTheMiddle((training) => training.stop(true)) });
    expect(await first.done).toMatchObject({ outcome: 'stopped', result: { epochs: expect.any(Number) } });
    expectNothingLeft(first.pids);
    expect(await train(stopped, { resume: true }).done).toMatchObject({ outcome: 'finished' });
    expect(weightsOf(stopped)).toEqual(weightsOf(reference));
  });

  it('pauses, goes on, and changes nothing by it', async ({ skip }) => {
    engineForTests('native', skip);
    const [reference, pausing] = [await prepared('native', 4), await prepared('native', 4)];
    await whole(reference);
    const pause = inTheMiddle((training) => training.pause());
    const attempt = train(pausing, {
      onReport: (report, training) => {
        pause(report, training);
        if (report.kind === 'paused') training.continue();
      },
    });
    expect(await attempt.done).toMatchObject({ outcome: 'finished' });
    expect(attempt.reports.map(({ kind }) => kind)).toContain('continued');
    expect(weightsOf(pausing)).toEqual(weightsOf(reference));
  });

  it('is ended at once when a person wishes so', async ({ skip }) => {
    engineForTests('native', skip);
    const attempt = train(await prepared('native', 4), {
      onReport: inTheMiddle((training) => training.kill()),
    });
    expect(await attempt.done).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } });
    expectNothingLeft(attempt.pids);
  });
});

it('a worker that stands still is named, and the run goes on without it on one device, which is said', async ({
  skip,
}) => {
  engineForTests('native', skip);
  const run = await prepared('native');
  const first = train(run, {
    // Longer than a worker takes to start on a busy machine: one that has shown no sign of life yet stands still as well.
    limits: { leastHangMs: 15_000 },
    onReport: inTheMiddle(({ pids }) => process.kill(pids[1]!, 'SIGSTOP')),
  });
  expect(await first.done).toMatchObject({
    outcome: 'failed',
    error: { code: 'WORKER_HUNG', message: expect.stringContaining('Device cpu (worker 2): ') },
  });
  expectNothingLeft(first.pids);
  const { engine: trainedOn } = first.reports.find((report) => report.kind === 'started')!;
  const alone = onWorkers({ ...run, job: { ...run.job, trainedOn } }, 1);
  const second = train(alone, { resume: true });
  expect(await second.done).toMatchObject({ outcome: 'finished' });
  const logs = second.reports.filter((report) => report.kind === 'log').map(({ text }) => text);
  expect(logs.join()).toContain('devices 2 before, 1 now');
});

it('of two that stand still the first to do so is named, however patient one is with it', async ({
  skip,
}) => {
  engineForTests('native', skip);
  const { job } = await prepared('native');
  const here = join(import.meta.dirname, '..', '..', 'main', 'training');
  const entry = join(temporaryFolder(), 'worker.ts');
  // The second has shown that it may take long between two signs of life; the first has not, and waits for it.
  writeFileSync(
    entry,
    `import { startHeartbeat } from '${here}/heartbeat.ts';
process.on('message', ({ kind, job }) => {
  if (kind !== 'start') return;
  const { beat } = startHeartbeat('${here}/heartbeatThread.ts');
  beat();
  if (job.crew.rank === 1) setTimeout(beat, 2500);
  else for (let ms = 100; ms <= 3500; ms += 100) setTimeout(beat, ms);
});
`,
  );
  // They make no step, for which they would be given minutes.
  const limits = { leastHangMs: 6000, firstHangMs: 0, hangFactor: 4 };
  const { done } = superviseTraining({ entry, environments: [], job, limits, onReports: () => {} });
  expect(await done).toMatchObject({
    error: { code: 'WORKER_HUNG', message: expect.stringContaining('Device cpu (worker 2): ') },
  });
});

it('a pretraining goes on bit for bit after a kill, pairs and masks included', async ({ skip }) => {
  engineForTests('native', skip);
  const prepare = async () =>
    onWorkers(
      await preparePretraining(
        temporaryFolder(),
        { epochs: 8, batchSize: 32, checkpointEvery: 5, dropout: 0.1 },
        { engine: 'native' },
      ),
      2,
    );
  const [reference, broken] = [await prepare(), await prepare()];
  await whole(reference);
  const first = train(broken, { onReport: inTheMiddle(({ pids }) => process.kill(pids[1]!, 'SIGKILL')) });
  expect(await first.done).toMatchObject({ error: { code: 'WORKER_CRASHED' } });
  expect(await train(broken, { resume: true }).done).toMatchObject({ outcome: 'finished' });
  expect(weightsOf(broken)).toEqual(weightsOf(reference));
});

it.for(EXCHANGES)('no worker outlives a supervisor that is killed, by %s', async (exchange, { skip }) => {
  engineForTests('native', skip);
  const { job } = await prepared('native', 3);
  const file = join(temporaryFolder(), 'supervisor.ts');
  const here = join(import.meta.dirname, '..', '..', 'main');
  writeFileSync(
    file,
    `import { superviseTraining } from '${here}/training/supervisor.ts';
const training = superviseTraining({ entry: '${here}/training/worker.ts', environments: [], exchange: '${exchange}',
  job: ${JSON.stringify({ ...job, config: { ...job.config, hyperparameters: { ...job.config.hyperparameters, epochs: 10_000 } } })},
  onReports: (reports) => {
    if (reports.some(({ kind }) => kind === 'checkpoint')) console.log(JSON.stringify(training.pids));
  } });
`,
  );
  const supervisor = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve) =>
    supervisor.stdout.once('data', (text) => resolve(String(text))),
  );
  const pids = JSON.parse(said.split('\n')[0]!) as number[];
  expect(pids).toHaveLength(3);
  const started = pids.map(processStartTime);
  supervisor.kill('SIGKILL');
  // Ended is enough: whether an orphan is collected is up to the system's first process.
  for (const [at, pid] of pids.entries()) await until(() => !isProcessAlive(pid, started[at]!));
});
