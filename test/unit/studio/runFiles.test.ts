/** @file Tests. A run in another studio: everything comes along, and a file that is not what was written is refused. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listEvaluations } from '../../../main/db/evaluations.ts';
import { metricSeries } from '../../../main/db/metrics.ts';
import { predictions } from '../../../main/db/predictions.ts';
import { findRun, listRuns } from '../../../main/db/runs.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import { bytesInMemory } from '../../../main/files/byteSource.ts';
import { openZipIn } from '../../../main/files/zip.ts';
import { zipChunks } from '../../../main/files/zipWriter.ts';
import { takeInRun } from '../../../main/studio/runImport.ts';
import { METRICS } from '../../../shared/runs.ts';
import { ExportingStudio } from '../../support/exportingStudio.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let first: ExportingStudio;
let run = '';
let file = '';

beforeAll(async () => {
  ({ studio: first, run } = await ExportingStudio.withRun());
  const [record] = await first.export(run, ['run']);
  file = join(record!.folder, `${run}.entail-run.zip`);
});
afterAll(() => first.databases.close());

const takeInto = (studio: ExportingStudio, path: string) =>
  takeInRun({ databases: studio.databases, entries: checkoutEntries() }, path, new AbortController().signal);

/** The archive with some entries changed (null takes one out). */
async function changed(
  changes: Record<string, (text: Buffer) => Buffer | null>,
  more: string[] = [],
): Promise<string> {
  const archive = await openZipIn(bytesInMemory('a test', readFileSync(file)));
  const members = [];
  for (const { name } of archive.entries) {
    const bytes = await archive.read(name);
    const content = changes[name] === undefined ? bytes : changes[name](bytes);
    if (content !== null) members.push({ name, content: () => [content] });
  }
  for (const name of more) members.push({ name, content: () => [Buffer.from('x')] });
  const chunks: Uint8Array[] = [];
  for await (const chunk of zipChunks(members)) chunks.push(chunk);
  const path = join(temporaryFolder(), 'changed.entail-run.zip');
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

it('that was cut off is refused, with a step that helps with a run file', async () => {
  const path = join(temporaryFolder(), 'cut.entail-run.zip');
  writeFileSync(path, readFileSync(file).subarray(0, 1000));
  const second = new ExportingStudio();
  const error = await studioRejectionOf(takeInto(second, path));
  expect(error.code).toBe('BAD_FILE');
  expect(error.nextStep).toBe('Download the archive again, or copy it again from where it came.');
  second.databases.close();
});

it('brings configuration, curves, evaluations, predictions and a checkpoint that answers', async () => {
  const second = new ExportingStudio();
  const { runId, originalId } = await takeInto(second, file);
  expect(originalId).toBe(run);
  const [here, there] = [second.databases.store(), first.databases.store()];
  const [copy, original] = [findRun(here, runId), findRun(there, run)];
  expect({ ...copy, id: '', progress: null }).toEqual({ ...original, id: '', progress: null });
  expect(listEvaluations(here, runId)).toEqual(listEvaluations(there, run));
  expect(predictions(here, runId, 'test')).toEqual(predictions(there, run, 'test'));
  for (const metric of METRICS)
    expect(metricSeries(here, runId, metric)).toEqual(metricSeries(there, run, metric));
  const pair = { premise: 'Person 3 rides a horse.', hypothesis: 'Somebody is outside.' };
  const answers = [];
  for (const [studio, id] of [[first, run] as const, [second, runId] as const]) {
    const predictor = await studio.inference.openPredictor(id, { engine: 'wasm', threads: null });
    answers.push([...(await predictor.predict([pair]))]);
    await predictor.close();
  }
  expect(answers[1]).toEqual(answers[0]);
  // A second time it is another run.
  expect((await takeInto(second, file)).runId).not.toBe(runId);
  second.databases.close();
});

const flip = (bytes: Buffer) => {
  const copy = Buffer.from(bytes);
  copy[copy.length - 2]! ^= 1;
  return copy;
};
const edited = (change: (description: Record<string, never>) => void) => (bytes: Buffer) => {
  const description = JSON.parse(bytes.toString('utf8')) as Record<string, never>;
  change(description);
  return Buffer.from(JSON.stringify(description));
};
const set = (path: string, value: unknown) =>
  edited((description) => {
    const keys = path.split('.');
    const last = keys.pop()!;
    const holder = keys.reduce<Record<string, unknown>>(
      (at, key) => at[key] as Record<string, unknown>,
      description,
    );
    holder[last] = value;
  });

it.each([
  ['a newer version', { 'entail-run.json': set('version', 2) }, [], 'UNREADABLE'],
  ['no description', { 'entail-run.json': () => null }, [], 'BAD_FILE'],
  ['a description that is not JSON', { 'entail-run.json': () => Buffer.from('{') }, [], 'BAD_FILE'],
  ['a field that does not belong', { 'entail-run.json': set('run.more', 1) }, [], 'BAD_FILE'],
  ['an id that leads elsewhere', { 'entail-run.json': set('run.id', '../../x') }, [], 'BAD_FILE'],
  [
    'a checkpoint that leads elsewhere',
    { 'entail-run.json': set('checkpoint.folder', '../x') },
    [],
    'BAD_FILE',
  ],
  [
    'another configuration',
    { 'entail-run.json': set('run.config.hyperparameters.lr', 1) },
    [],
    'CHECKSUM_MISMATCH',
  ],
  ['a network that cannot be', { 'entail-run.json': set('run.config.model.hidden', 1e9) }, [], 'USAGE'],
  ['an entry too many', {}, ['run/more.txt'], 'BAD_FILE'],
  ['a metric changed', { 'metrics.json': flip }, [], 'CHECKSUM_MISMATCH'],
  ['predictions changed', { 'predictions/test.f32': flip }, [], 'CHECKSUM_MISMATCH'],
  ['an entry missing', { 'evaluations.json': () => null }, [], 'BAD_FILE'],
] as const)('with %s is refused, and nothing is left of it', async (_, changes, more, code) => {
  const studio = new ExportingStudio();
  const path = await changed(changes as never, [...more]);
  const error = await studioRejectionOf(takeInto(studio, path));
  expect(error.code).toBe(code);
  expect(error.message.length).toBeGreaterThan(20);
  expect(listRuns(studio.databases.store())).toEqual([]);
  expect(readdirSync(studio.databases.places.runs)).toEqual([]);
  studio.databases.close();
});
