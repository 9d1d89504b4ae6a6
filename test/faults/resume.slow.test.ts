/** @file Tests. A run that was killed or stopped goes on bit for bit: same losses, same final weights. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../../shared/engines.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { smallWordPiece } from '../support/smallWordPiece.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lossesOf, type PreparedRun, prepareRun, train, weightsOf } from '../support/trainedRun.ts';

const CHANGES = {
  epochs: 25,
  batchSize: 16,
  microBatchTokens: 128,
  lr: 0.003,
  checkpointEvery: 7,
  evaluateEvery: 11,
  keep: 'best',
  clipNorm: 1,
  schedule: 'cosine',
  warmup: 0.1,
};
const KILLS = 10;

async function prepared(engine: EngineName, dataDirectory: string): Promise<PreparedRun> {
  const folder = join(temporaryFolder(), 'data');
  mkdirSync(folder);
  return await prepareRun(folder, CHANGES, { rows: 300, engine, dataDirectory });
}

it('a run in WordPiece goes on bit for bit too', { timeout: 120_000 }, async ({ skip }) => {
  const dataDirectory = engineForTests('native', skip);
  const prepare = async () => {
    const folder = join(temporaryFolder(), 'data');
    mkdirSync(folder);
    const options = { rows: 300, engine: 'native', dataDirectory, tokenizer: smallWordPiece() } as const;
    return await prepareRun(folder, { ...CHANGES, epochs: 4 }, options);
  };
  const whole = await prepare();
  expect(await train(whole).done).toMatchObject({ outcome: 'finished' });
  const killed = await prepare();
  const first = train(killed, {
    onReport: (report, training) => {
      if (report.kind === 'checkpoint') training.kill();
    },
  });
  expect(await first.done).toMatchObject({ error: { code: 'INTERRUPTED' } });
  expect(await train(killed, { resume: true }).done).toMatchObject({ outcome: 'finished' });
  expect(weightsOf(killed)).toEqual(weightsOf(whole));
});

describe.each(['native', 'wasm', 'tensorflow'] as const)('a run on %s', (engine) => {
  it('equals the uninterrupted one after ten kills at random moments', { timeout: 300_000 }, async ({
    skip,
  }) => {
    const dataDirectory = engineForTests(engine, skip);
    const whole = await prepared(engine, dataDirectory);
    let startedMs = 0;
    const reference = train(whole, {
      onReport: ({ kind }) => {
        if (kind === 'started') startedMs = performance.now();
      },
    });
    expect(await reference.done).toMatchObject({ outcome: 'finished' });
    const trainingMs = performance.now() - startedMs;

    const broken = await prepared(engine, dataDirectory);
    const attempts: (readonly WorkerReport[])[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      // A tenth of the run at most, so that ten kills fit in: steps, checkpoints and evaluations are all hit.
      const delayMs = (Math.random() * trainingMs) / KILLS;
      const attempt = train(broken, {
        resume: kill > 0,
        onReport: (report, training) => {
          if (report.kind === 'started') setTimeout(() => training.kill(), delayMs);
        },
      });
      const ended = await attempt.done;
      attempts.push(attempt.reports);
      expect(ended, `killed after ${delayMs.toFixed(0)} ms`).toMatchObject({
        error: { code: 'INTERRUPTED' },
      });
    }
    const last = train(broken, { resume: true });
    const ended = await last.done;
    attempts.push(last.reports);
    expect(ended).toMatchObject({ outcome: 'finished' });
    expect(lossesOf(attempts)).toEqual(lossesOf([reference.reports]));
    expect(weightsOf(broken)).toEqual(weightsOf(whole));
  });

  it('equals the uninterrupted one after being stopped in its middle', { timeout: 120_000 }, async ({
    skip,
  }) => {
    const dataDirectory = engineForTests(engine, skip);
    const whole = await prepared(engine, dataDirectory);
    const reference = train(whole);
    await reference.done;
    const stopped = await prepared(engine, dataDirectory);
    const first = train(stopped, {
      onReport: (report, training) => {
        if (report.kind === 'metrics' && report.points.some(({ metric }) => metric === 'running/loss'))
          training.stop(false);
      },
    });
    expect(await first.done).toMatchObject({ outcome: 'stopped' });
    const { engine: record } = first.reports.find((report) => report.kind === 'started')!;
    const elsewhere = { ...record, pinned: { ...record.pinned, instructions: 'of another processor' } };
    const second = train({ ...stopped, job: { ...stopped.job, trainedOn: elsewhere } }, { resume: true });
    expect(await second.done).toMatchObject({ outcome: 'finished' });
    const warnings = second.reports.filter((report) => report.kind === 'log');
    expect(warnings.map(({ text }) => text).join()).toContain('instructions of another processor before');
    expect(lossesOf([first.reports, second.reports])).toEqual(lossesOf([reference.reports]));
    expect(weightsOf(stopped)).toEqual(weightsOf(whole));
  });
});
