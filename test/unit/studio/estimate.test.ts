/** @file Tests. What a run would cost, told at once: exact where it can be, and what looks wrong with it, nothing measured. */
import { statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '../../../main/data/cache.ts';
import { importDataset } from '../../../main/data/importDataset.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import type { Estimate } from '../../../shared/contract/queue.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { type CsvPair, numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { SMALL_PIECES, SMALL_VOCAB_TXT } from '../../support/smallWordPiece.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
let calls: HostedCalls;

beforeAll(async () => {
  const split = (pairs: readonly CsvPair[], name: string) => pairs.map((pair) => ({ ...pair, split: name }));
  const plain = numberedPairs(120);
  await importPairs('fine', [...split(plain.slice(0, 90), 'train'), ...split(plain.slice(90), 'dev')]);
  const long = {
    premise: 'word '.repeat(60).trim(),
    hypothesis: 'other '.repeat(40).trim(),
    label: 'neutral',
  };
  const odd = numberedPairs(90).map((pair, at) =>
    at > 5 && at % 3 === 0 ? { ...pair, label: 'neutral' } : pair,
  );
  await importPairs('odd', [
    ...split([...odd, odd[0]!, long], 'train'),
    ...split([odd[1]!, ...numberedPairs(200).slice(190)], 'test'),
  ]);
  calls = callsTo(openHosted(folder));
});

async function importPairs(name: string, pairs: readonly CsvPair[]): Promise<void> {
  const path = join(folder, `${name}.csv`);
  writePairsCsv(path, pairs);
  const cache = openCache(dataPlaces(folder).cacheDatabase);
  await importDataset(cache, { path, name });
  cache.close();
}

const SMALL = { size: 'free', layers: 3, hidden: 20, heads: 5, feedForward: 24, minFreq: 1 };
const requestFor = (dataset: string, changes: object) => ({
  ...{ dataset, engine: 'wasm' as const },
  hyperparameters: hyperparametersSchema.parse({ ...SMALL, batchSize: 32, epochs: 4, ...changes }),
});
const estimate = (dataset: string, changes: object = {}): Promise<Estimate> =>
  calls.ask('estimate/show', { request: requestFor(dataset, changes) });
const said = ({ checks }: Estimate, verdict: string) =>
  checks.filter((check) => check.verdict === verdict).map(({ text }) => text);

describe('an estimate', () => {
  it('counts steps, words, parameters and bytes of checkpoints', async () => {
    const told = await estimate('fine');
    const dataset = await calls.ask('datasets/show', { name: 'fine' });
    expect(told).toMatchObject({
      ...{ engine: 'wasm', trainPairs: 90, stepsPerEpoch: 3, totalSteps: 12 },
      longestPair: dataset.report.lengthQuantiles.max,
    });
    // Words of the training split, each once, and five special ones: "Person rides a horse . Somebody is outside at" and numbers.
    expect(told.vocabularySize).toBe(5 + 9 + 90);
    const [hidden, feedForward] = [SMALL.hidden, SMALL.feedForward];
    const square = hidden * hidden + hidden;
    const layer = 4 * square + 4 * hidden + 2 * hidden * feedForward + feedForward + hidden;
    const tables = (512 + told.vocabularySize + 2) * hidden;
    const parameters = tables + SMALL.layers * layer + square + 3 * hidden + 3;
    expect(told.parameters).toBe(parameters);
    expect([told.checkpointBytes, told.diskBytes]).toEqual([12 * parameters, 36 * parameters]);
    expect((await estimate('fine', { keep: 'best' })).diskBytes).toBe(48 * parameters);
    const { bavail, bsize } = statfsSync(folder);
    // Others write to the same disk meanwhile.
    expect(told.freeDiskBytes / (bavail * bsize)).toBeCloseTo(1, 1);
  });

  it('knows less words when they must be frequent, and an incomplete last batch', async () => {
    expect((await estimate('fine', { minFreq: 3 })).vocabularySize).toBe(5 + 9);
    expect(await estimate('fine', { batchSize: 89 })).toMatchObject({ stepsPerEpoch: 2, totalSteps: 8 });
    expect(await estimate('fine', { batchSize: 90 })).toMatchObject({ stepsPerEpoch: 1, totalSteps: 4 });
  });

  it('finds nothing wrong with good data, and says what it looked at', async () => {
    const told = await estimate('fine');
    expect(said(told, 'warning')).toEqual([]);
    expect(said(told, 'good')).toEqual([
      'The labels are balanced.',
      'No pair stands in two splits.',
      'No pair is there twice.',
      'No pair is longer than 128 tokens.',
      'There is room on the disk.',
    ]);
  });

  it('warns of what makes figures worse, or flatters them', async () => {
    const told = await estimate('odd', { maxLen: 32, batchSize: 512 });
    expect(said(told, 'warning')).toEqual([
      'The rarest label has 3 training pairs, the commonest 59: class weights may help.',
      '1 pair stands in two splits: figures on it flatter.',
      '1 row repeats an earlier one.',
      'There is no dev split: choices would look at test labels.',
      'At least 1 of 103 pairs is longer than 32 tokens and will be truncated.',
      'A batch of 512 is more than the 92 training pairs: one step an epoch.',
    ]);
    const steep = { size: 'free', layers: 12, hidden: 512, heads: 8, feedForward: 2048, lr: 0.01 };
    expect(said(await estimate('fine', steep), 'warning')).toEqual([
      'A learning rate of 0.01 is steep for a network of this size.',
    ]);
  });

  it('counts tokens of a vocabulary file, and claims of lengths only what words tell', async () => {
    const vocabularyPath = join(folder, 'vocab.txt');
    writeFileSync(vocabularyPath, SMALL_VOCAB_TXT);
    const told = (dataset: string, changes: object) =>
      calls.ask('estimate/show', { request: { ...requestFor(dataset, changes), vocabularyPath } });
    const words = await estimate('fine');
    const pieces = await told('fine', {});
    expect([words.tokenizer, pieces.tokenizer]).toEqual(['words', 'wordpiece']);
    expect(pieces.vocabularySize).toBe(SMALL_PIECES.length);
    expect(words.parameters - pieces.parameters).toBe(
      (words.vocabularySize - SMALL_PIECES.length) * SMALL.hidden,
    );
    expect(said(pieces, 'good')).toEqual(said(words, 'good').filter((text) => !text.includes('longer')));
    expect(said(await told('odd', { maxLen: 32 }), 'warning')).toContain(
      'At least 1 of 103 pairs is longer than 32 tokens even in words and will be truncated.',
    );
  });

  it('says what no run could do, before one is made', async () => {
    const refusal = async (dataset: string, changes: object) =>
      await calls.refusal('estimate/show', { request: requestFor(dataset, changes) });
    expect(await refusal('none', {})).toMatchObject({ code: 'NOT_FOUND', nextStep: 'There are: fine, odd.' });
    expect(await refusal('fine', { hidden: 21 })).toMatchObject({ code: 'USAGE' });
    expect(await refusal('fine', { classWeights: [1, 2] })).toMatchObject({ code: 'USAGE' });
    const startFrom = { request: { ...requestFor('fine', {}), startFrom: 'r0000' } };
    expect(await calls.refusal('estimate/show', startFrom)).toMatchObject({ code: 'NOT_FOUND' });
    const vocabularyPath = join(folder, 'nowhere', 'vocab.txt');
    const without = { request: { ...requestFor('fine', {}), vocabularyPath } };
    for (const route of ['estimate/show', 'estimate/probe'] as const)
      expect(await calls.refusal(route, without)).toMatchObject({ code: 'NOT_FOUND' });
    const both = { request: { ...requestFor('fine', {}), vocabularyPath, startFrom: 'r0000' } };
    expect((await calls.refusal('estimate/show', both)).message).toContain('the model has its own');
    // The same is said by a measurement, at once and not by a job.
    expect((await calls.refusal('estimate/probe', { request: requestFor('none', {}) })).code).toBe(
      'NOT_FOUND',
    );
    expect(await calls.ask('jobs/list', {})).toEqual([]);
  });
});
