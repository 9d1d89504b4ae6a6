/** @file Tests. Exports of a trained run: each compared with the studio, cancelled, killed, refused; and the list of them. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRun } from '../../../main/db/runs.ts';
import { openRegularFile } from '../../../main/files/regularFile.ts';
import { checkpointsFolder, listFolders } from '../../../main/training/checkpoints.ts';
import type { ParityReport } from '../../../shared/exports.ts';
import { ExportingStudio } from '../../support/exportingStudio.ts';
import { preparePretraining } from '../../support/pretrainedRun.ts';
import { sampleEnvironment } from '../../support/sampleRun.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** Thousands of pairs are imported and evaluated, and the machine may have other work. */
const SLOWEST_MS = 300_000;

let studio: ExportingStudio;
let run = '';

beforeAll(async () => {
  ({ studio, run } = await ExportingStudio.withRun());
});
afterAll(() => studio.databases.close());

it.each(['hf', 'torch', 'run', 'onnx', 'tfjs'] as const)('as %s it gives the same answers', async (to) => {
  const folder = join(temporaryFolder(), 'exported');
  const [record] = await studio.export(run, [to], { folder });
  expect(record).toMatchObject({ run, to, folder, state: 'verified', present: true });
  const report = JSON.parse(readFileSync(join(folder, 'parity.json'), 'utf8')) as ParityReport;
  expect(report).toEqual(record!.parity);
  // Forty rows, and the two hard cases that they lack.
  expect(report.numbers).toMatchObject({
    pairs: 42,
    madePairs: 2,
    emptyPairs: 1,
    nonAsciiPairs: 1,
    notFinite: 0,
  });
  expect(report.agreement).toMatchObject({ rows: 40, rowsInSplit: 40, sameAnswer: 40, endedBy: 'all rows' });
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const text of [
    '**Verified**',
    'Confusion matrix, test',
    'Known weaknesses',
    report.data.contentHash,
    'not stated',
  ])
    expect(card).toContain(text);
  // Sizes stand with the network, as it is, and not once more among settings that a named size overrides.
  expect(card).toMatch(/2 layers, hidden 16, feed-forward 24, 2 heads/);
  expect(card).not.toMatch(/^\| (hidden|feedForward) \|/m);
  expect(readdirSync(join(folder, '..'))).toEqual(['exported']);
});

it('shows what 8 bits cost, and judges them by their answers', async () => {
  const [record] = await studio.export(run, ['onnx'], { precision: 'int8' });
  expect(record).toMatchObject({ precision: 'int8' });
  expect(record!.parity!.bars).toMatchObject({ maxDifference: null, agreement: 0.995 });
  expect(record!.parity!.numbers!.maxDifference).toBeGreaterThan(1e-5);
});

describe('while many rows are compared,', () => {
  let patient: ExportingStudio;
  let long = '';

  // An export goes on while it is told to end: it must have work left whenever it hears that.
  beforeAll(async () => {
    ({ studio: patient, run: long } = await ExportingStudio.withRun(10_000));
  }, SLOWEST_MS);
  afterAll(() => patient.databases.close());

  it('an export that is cancelled is kept, unverified', async () => {
    const folder = join(temporaryFolder(), 'exported');
    const cancel = new AbortController();
    const onProgress = ({ note }: { note: string }) => {
      if (note.includes('loading')) cancel.abort();
    };
    const [record] = await patient.export(long, ['onnx'], { folder, signal: cancel.signal, onProgress });
    expect(record).toMatchObject({ state: 'unverified', folder });
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('**Unverified**');
  });

  it('one that is cancelled stands beside a verified one, and in place of an unverified one', async () => {
    const folder = join(temporaryFolder(), 'exported');
    const cancelled = async () => {
      const cancel = new AbortController();
      const onProgress = ({ note }: { note: string }) => {
        if (note.includes('loading')) cancel.abort();
      };
      const [record] = await patient.export(long, ['torch'], { folder, signal: cancel.signal, onProgress });
      return record!.folder;
    };
    const stateIn = (place: string) =>
      (JSON.parse(readFileSync(join(place, 'parity.json'), 'utf8')) as ParityReport).state;
    expect([await cancelled(), await cancelled()]).toEqual([folder, folder]);
    await studio.export(run, ['torch'], { folder });
    expect([await cancelled(), await cancelled()]).toEqual([`${folder}.unverified`, `${folder}.unverified`]);
    expect(stateIn(folder)).toBe('verified');
    expect(stateIn(`${folder}.unverified`)).toBe('unverified');
    expect(readdirSync(join(folder, '..')).sort()).toEqual(['exported', 'exported.unverified']);
  });

  it('one that is killed leaves the earlier one as it was, and nothing beside it', async () => {
    const folder = join(temporaryFolder(), 'exported');
    await studio.export(run, ['torch'], { folder });
    const before = readFileSync(join(folder, 'entail-export.json'), 'utf8');
    const kill = new AbortController();
    const error = await studioRejectionOf(
      patient.export(long, ['torch'], { folder, kill: kill.signal, onProgress: () => kill.abort() }),
    );
    expect(error.code).toBe('INTERRUPTED');
    expect(readdirSync(join(folder, '..'))).toEqual(['exported']);
    expect(readFileSync(join(folder, 'entail-export.json'), 'utf8')).toBe(before);
  });
});

it('of damaged weights is refused, and nothing is written', async () => {
  const { studio: other, run: damaged } = await ExportingStudio.withRun();
  const checkpoints = checkpointsFolder(join(other.databases.places.runs, damaged));
  const weights = join(checkpoints, listFolders(checkpoints)[0]!, 'weights.safetensors');
  const bytes = readFileSync(weights);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(weights, bytes);
  const folder = join(temporaryFolder(), 'exported');
  const error = await studioRejectionOf(other.export(damaged, ['onnx'], { folder }));
  expect(error.code).toBe('CHECKSUM_MISMATCH');
  expect(existsSync(folder)).toBe(false);
  other.databases.close();
});

it('without its data set is written, and says that nothing was compared, and why', async () => {
  const { studio: other, run: orphan } = await ExportingStudio.withRun();
  other.databases.cache().database.exec("UPDATE datasets SET content_hash = 'another', name = 'another'");
  const [record] = await other.export(orphan, ['torch']);
  expect(record).toMatchObject({ state: 'unverified', parity: { numbers: null, agreement: null } });
  const card = readFileSync(join(record!.folder, 'README.md'), 'utf8');
  expect(card).toContain("the run's data set is not here; import it and export again");
  expect(card).not.toContain('split of none');
  other.databases.close();
});

it('of a pretraining is refused: it has learnt no labels', async () => {
  const { config } = await preparePretraining(temporaryFolder(), {});
  const pretraining = createRun(studio.databases.store(), { config, environment: sampleEnvironment });
  const folder = join(temporaryFolder(), 'exported');
  const error = await studioRejectionOf(studio.export(pretraining, ['torch'], { folder }));
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('no answers to export') });
  expect(existsSync(folder)).toBe(false);
});

it('names the checkpoints that there are when another one is asked for', async () => {
  const error = await studioRejectionOf(studio.export(run, ['torch'], { checkpoint: 99_999 }));
  expect(error).toMatchObject({ code: 'NOT_FOUND' });
  expect(error.nextStep).toMatch(/step \d+/);
});

it('stays in the list after its run, and its folder when it is taken out of the list', async () => {
  const { studio: other, run: first } = await ExportingStudio.withRun();
  const [record] = await other.export(first, ['torch']);
  other.databases.store().connection.prepare('DELETE FROM runs').run();
  expect(other.exports.list(null)).toMatchObject([{ id: record!.id, run: null, present: true }]);
  rmSync(join(record!.folder, 'entail-export.json'));
  expect(other.exports.list(null)).toMatchObject([{ present: false }]);
  other.exports.forget(record!.id);
  expect(other.exports.list(null)).toEqual([]);
  expect(openRegularFile(join(record!.folder, 'config.json')).sizeBytes).toBeGreaterThan(0);
  other.databases.close();
});
