/** @file Tests. A run that was killed or stopped goes on bit for bit: same losses, same final weights. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../../shared/engines.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { expectSameThroughKills } from '../support/killedRuns.ts';
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

it('a run in WordPiece goes on bit for bit too', async ({ skip }) => {
  const dataDirectory = engineForTests('native', skip);
  const prepare = async () => {
    const folder = join(temporaryFolder(), 'data');
    mkdirSync(folder);
    const options = { rows: 300, engine: 'native', dataDirectory, tokenizer: smallWordPiece() } as const;
    return await prepareRun(folder, { ...CHANGES, epochs: 10 }, options);
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
  it('equals the uninterrupted one after ten kills at random moments', async ({ skip }) => {
    const dataDirectory = engineForTests(engine, skip);
    await expectSameThroughKills(() => prepared(engine, dataDirectory), KILLS);
  });

  it('equals the uninterrupted one after being stopped in its middle', async ({ skip }) => {
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
