/** @file Tests. Pairs that a person types, answered by trained models in real children. */
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { requireDataset } from '../../../main/data/datasets.ts';
import { deleteRun } from '../../../main/db/deleteRun.ts';
import type { PlaygroundService } from '../../../main/studio/playground.ts';
import { checkpointsFolder, listFolders } from '../../../main/training/checkpoints.ts';
import { numberedPairs } from '../../support/pairsCsv.ts';
import { inferenceChildren, PlaygroundStudio } from '../../support/playgroundStudio.ts';
import { runOn } from '../../support/predictedRun.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { until } from '../../support/until.ts';

const PAIR = { premise: 'Person 3 rides a (xyzzy) horse.', hypothesis: "Somebody isn't outside." };
const PAIRS = numberedPairs(60).map((pair, at) => ({ ...pair, split: at % 6 === 0 ? 'test' : 'train' }));

/** Three runs are trained, and the machine may have other work. */
const SLOWEST_MS = 300_000;

let studio: PlaygroundStudio;
let runs: string[];
const opened: PlaygroundService[] = [];

beforeAll(async () => {
  studio = new PlaygroundStudio();
  await studio.import('pairs', PAIRS);
  runs = [];
  for (const seed of [1, 2, 3]) runs.push(await studio.train('pairs', { seed, layers: seed === 3 ? 1 : 2 }));
}, SLOWEST_MS);
afterEach(async () => {
  await Promise.all(opened.splice(0).map((playground) => playground.close()));
});
afterAll(() => studio.databases.close());

function playground(idleMs?: number): PlaygroundService {
  const made = studio.playground(idleMs);
  opened.push(made);
  return made;
}

it('answers with what the model predicts, and shows how it reads the pair', async () => {
  const answer = await playground().answer({ run: runs[0]!, ...PAIR });
  const predictor = await studio.inference.openPredictor(runs[0]!, { engine: 'wasm', threads: null });
  const predicted = await predictor.predict([PAIR]);
  await predictor.close();
  expect(answer.probabilities).toEqual([...predicted]);
  expect(answer).toMatchObject({ run: runs[0], labels: predictor.labels, layers: 2, heads: 2 });
  expect(answer.milliseconds).toBeGreaterThan(0);
  const table = answer.tokens.map((token, at) => [token, answer.words[at], answer.segments[at]]);
  expect(table).toEqual([
    ['<cls>', '', 0],
    ['person', 'Person', 0],
    ['3', '3', 0],
    ['rides', 'rides', 0],
    ['a', 'a', 0],
    ['<unk>', '(', 0],
    ['<unk>', 'xyzzy', 0],
    ['<unk>', ')', 0],
    ['horse', 'horse', 0],
    ['.', '.', 0],
    ['<sep>', '', 0],
    ['somebody', 'Somebody', 1],
    ['is', 'is', 1],
    ['<unk>', "n't", 1],
    ['outside', 'outside', 1],
    ['.', '.', 1],
    ['<sep>', '', 1],
  ]);
});

it('cuts a long pair as training did', async () => {
  const premise = `${'horse '.repeat(200)}.`;
  const { tokens, words, segments } = await playground().answer({ run: runs[0]!, ...PAIR, premise });
  expect([tokens.length, words.length, segments.length]).toEqual([128, 128, 128]);
  expect(tokens.at(-1)).toBe('<sep>');
});

it('shows the attention of any head, row by row', async () => {
  const service = playground();
  const { tokens } = await service.answer({ run: runs[0]!, ...PAIR });
  const maps = [];
  for (const [layer, head] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    const map = await service.attention({ run: runs[0]!, ...PAIR, layer, head });
    expect(map.tokens).toEqual(tokens);
    expect(map.weights.map((row) => row.length)).toEqual(tokens.map(() => tokens.length));
    for (const row of map.weights) expect(row.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 5);
    maps.push(JSON.stringify(map.weights));
  }
  expect(new Set(maps).size).toBe(4);
});

it('reads single sentences with a model of such', async () => {
  await studio.importSingle('single', PAIRS);
  const run = await studio.train('single');
  const service = playground();
  const answer = await service.answer({ run, premise: 'A horse.', hypothesis: null });
  expect(answer.tokens).toEqual(['<cls>', 'a', 'horse', '.', '<sep>']);
  expect(answer.segments).toEqual([0, 0, 0, 0, 0]);
  const { weights } = await service.attention({
    run,
    premise: 'A horse.',
    hypothesis: null,
    layer: 1,
    head: 0,
  });
  expect(weights.length).toBe(5);
  const two = await studioRejectionOf(service.answer({ run, ...PAIR }));
  expect(two).toMatchObject({ code: 'USAGE', message: expect.stringContaining('single sentence') });
});

it('refuses what a model cannot be asked, and says what to do', async () => {
  const service = playground();
  const [run] = runs as [string];
  const refusals = [
    [service.answer({ run, ...PAIR, hypothesis: null }), 'USAGE'],
    [service.answer({ run, ...PAIR, premise: ' \n' }), 'USAGE'],
    [service.answer({ run, ...PAIR, hypothesis: '' }), 'USAGE'],
    [service.attention({ run, ...PAIR, layer: 2, head: 0 }), 'USAGE'],
    [service.attention({ run: runs[2]!, ...PAIR, layer: 1, head: 0 }), 'USAGE'],
    [service.attention({ run, ...PAIR, layer: 0, head: 2 }), 'USAGE'],
    [service.answer({ run: 'r9zzzz', ...PAIR }), 'NOT_FOUND'],
    [
      service.answer({
        run: runOn(studio.databases, requireDataset(studio.databases.cache(), 'pairs')),
        ...PAIR,
      }),
      'NOT_FOUND',
    ],
  ] as const;
  for (const [asked, code] of refusals)
    expect(await studioRejectionOf(asked)).toMatchObject({ code, nextStep: expect.stringMatching(/./) });
  expect(inferenceChildren()).toEqual([]);
});

it('keeps two models loaded, and lets the one go that was not asked for longest', async () => {
  const service = playground();
  const ask = (run: string) => service.answer({ run, ...PAIR });
  const first = await ask(runs[0]!);
  await ask(runs[1]!);
  const children = inferenceChildren();
  expect(children.length).toBe(2);
  await ask(runs[0]!);
  expect(inferenceChildren()).toEqual(children);
  await ask(runs[2]!);
  const kept = await until(inferenceChildren, ({ length }) => length === 2);
  expect(await ask(runs[0]!)).toMatchObject({ probabilities: first.probabilities });
  expect(inferenceChildren()).toEqual(kept);
  expect(kept.some((pid) => children.includes(pid))).toBe(true);
});

it('answers the newest of many questions at once, and refuses those it overtakes', async () => {
  const service = playground();
  const asked = Array.from({ length: 6 }, (_, at) =>
    service.answer({ run: runs[0]!, ...PAIR, premise: `Person ${at} rides.` }),
  );
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    ...Array<string>(4).fill('rejected'),
    'fulfilled',
  ]);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'CANCELLED' });
  expect((await asked[5]!).words).toContain('5');
});

it('loads a model again whose process has ended', async () => {
  const service = playground();
  const before = await service.answer({ run: runs[0]!, ...PAIR });
  const [child] = inferenceChildren() as [number];
  process.kill(child, 'SIGKILL');
  const meanwhile = await service.answer({ run: runs[0]!, ...PAIR }).catch((thrown: unknown) => thrown);
  // Either it was asked before anybody knew, and says so, or it has been loaded again already.
  if (meanwhile instanceof Error)
    expect(meanwhile).toMatchObject({
      code: 'WORKER_CRASHED',
      nextStep: expect.stringContaining('Ask again'),
    });
  await until(() => !inferenceChildren().includes(child));
  const after = await service.answer({ run: runs[0]!, ...PAIR });
  expect(after.probabilities).toEqual(before.probabilities);
  expect(inferenceChildren()).not.toContain(child);
});

it('says why weights cannot be loaded, and loads them once they can', async () => {
  const service = playground();
  const folder = checkpointsFolder(join(studio.databases.places.runs, runs[1]!));
  const file = join(folder, listFolders(folder)[0]!, 'weights.safetensors');
  const whole = readFileSync(file);
  const damaged = Buffer.from(whole);
  damaged[damaged.length - 1]! ^= 1;
  writeFileSync(file, damaged);
  const error = await studioRejectionOf(service.answer({ run: runs[1]!, ...PAIR }));
  expect(error.code).toBe('CHECKSUM_MISMATCH');
  writeFileSync(file, whole);
  expect((await service.answer({ run: runs[1]!, ...PAIR })).probabilities.length).toBe(3);
});

it('gives up a model that nobody asks for', async () => {
  const service = playground(1);
  const answer = () => service.answer({ run: runs[0]!, ...PAIR });
  const { probabilities } = await answer();
  await until(() => inferenceChildren().length === 0);
  expect((await answer()).probabilities).toEqual(probabilities);
});

it('ends its children when it is closed, while they load too', async () => {
  const service = playground();
  await service.answer({ run: runs[0]!, ...PAIR });
  const asked = studioRejectionOf(service.answer({ run: runs[1]!, ...PAIR }));
  await service.close();
  expect(inferenceChildren()).toEqual([]);
  expect((await asked).code).toBe('SHUTTING_DOWN');
  const late = await studioRejectionOf(service.answer({ run: runs[0]!, ...PAIR }));
  expect(late.code).toBe('SHUTTING_DOWN');
});

it('does not go on loading what nobody wants any more', async () => {
  const abort = new AbortController();
  const begun = startOf('inferenceWorker');
  const loading = studio.inference.openPredictor(runs[0]!, { engine: 'wasm', threads: null }, abort.signal);
  await Promise.race([begun, loading]);
  // It has only just been started: it cannot have answered.
  expect(inferenceChildren().length).toBe(1);
  abort.abort();
  expect((await studioRejectionOf(loading)).code).toBe('INTERRUPTED');
  expect(inferenceChildren()).toEqual([]);
});

/** Settles in the very turn in which this process has started a child from that file, before it hears anything from it. */
async function startOf(file: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const hear = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    child.once('spawn', () => {
      if (child.spawnargs.some((word) => word.includes(file))) resolve();
    });
  };
  subscribe('child_process', hear);
  await promise;
  unsubscribe('child_process', hear);
}

it('forgets a run that was deleted', async () => {
  const service = playground();
  const run = await studio.train('pairs', { seed: 9 });
  await service.answer({ run, ...PAIR });
  deleteRun(studio.databases.store(), run);
  expect((await studioRejectionOf(service.answer({ run, ...PAIR }))).code).toBe('NOT_FOUND');
});
