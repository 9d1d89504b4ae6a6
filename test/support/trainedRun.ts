/** @file Tests. A small data set and a supervised training on it: real cache, real worker process, real files. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '../../main/data/cache.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import type { PairTokenizer } from '../../main/data/pairTokenizer.ts';
import { vocabularyOf } from '../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { workerEnvironment } from '../../main/engines/registry.ts';
import { checkoutEntries } from '../../main/entries.ts';
import { bookConfig } from '../../main/model/config.ts';
import { parameterShapes, pretrainingShapes } from '../../main/model/parameters.ts';
import { tokenizerRecord, writeTokenizer } from '../../main/studio/tokenizerOfRun.ts';
import { newestCheckpoint } from '../../main/training/checkpoints.ts';
import type { CrewPlace } from '../../main/training/jobs.ts';
import type { Limits } from '../../main/training/supervisedChild.ts';
import {
  type SupervisedTraining,
  superviseTraining,
  type TrainingJob,
} from '../../main/training/supervisor.ts';
import type { DeviceName } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { type RunConfig, runKind, type WorkerReport } from '../../shared/runs.ts';
import { writePairsCsv } from './pairsCsv.ts';

const WORDS = [
  'dog',
  'cat',
  'man',
  'woman',
  'child',
  'runs',
  'sleeps',
  'eats',
  'sings',
  'in',
  'a',
  'park',
  'house',
];

/** Sentences of varying length whose label depends on whether they begin with the same word. */
function pairs(count: number) {
  const word = (seed: number) => WORDS[Math.abs(Math.imul(seed, 2654435761) >> 8) % WORDS.length]!;
  const sentence = (seed: number) =>
    Array.from({ length: 3 + (seed % 5) }, (_, at) => word(seed * 7 + at)).join(' ');
  return Array.from({ length: count }, (_, at) => {
    const premise = sentence(at);
    const hypothesis = at % 3 === 0 ? premise : sentence(at + 1);
    const label = at % 3 === 0 ? 'entailment' : at % 3 === 1 ? 'contradiction' : 'neutral';
    return { premise, hypothesis, label, split: at % 10 === 0 ? 'test' : at % 10 === 1 ? 'dev' : 'train' };
  });
}

export interface PreparedRun {
  readonly job: TrainingJob;
  readonly config: RunConfig;
}

/** Imports `rows` pairs into a fresh cache below `folder` and prepares a run on them. */
export async function prepareRun(
  folder: string,
  changes: Readonly<Record<string, unknown>>,
  {
    rows = 400,
    engine = 'wasm' as EngineName,
    devices = ['cpu'] as readonly DeviceName[],
    dataDirectory = folder,
    /** null: the words of the training split. */
    tokenizer: ownTokenizer = null as PairTokenizer | null,
  } = {},
): Promise<PreparedRun> {
  const csv = join(folder, 'pairs.csv');
  writePairsCsv(csv, pairs(rows));
  const cachePath = join(folder, 'cache.db');
  const cache = openCache(cachePath);
  const dataset = await importDataset(cache, { path: csv, name: 'pairs' });
  const hyperparameters = hyperparametersSchema.parse({
    size: 'free',
    hidden: 16,
    heads: 2,
    feedForward: 24,
    layers: 2,
    workers: 1,
    minFreq: 1,
    ...changes,
  });
  const tokenizer =
    ownTokenizer ?? new WordsTokenizer(vocabularyOf(cache, dataset.id, hyperparameters.minFreq));
  cache.close();
  const config: RunConfig = {
    dataset: { id: dataset.id, name: dataset.name, contentHash: dataset.contentHash, labels: dataset.labels },
    hyperparameters,
    model: bookConfig(hyperparameters, tokenizer.size, dataset.labels.length),
    ...tokenizerRecord(tokenizer),
    engine,
    startFrom: null,
  };
  const runDirectory = join(folder, 'run');
  mkdirSync(runDirectory);
  writeTokenizer(runDirectory, tokenizer);
  const place = { runDirectory, dataDirectory, engine, devices, threads: 2 };
  return {
    config,
    job: {
      ...place,
      runId: 'r1',
      cachePath,
      config,
      ...{ resumeFrom: null, trainedOn: null },
    },
  };
}

export interface Watched extends SupervisedTraining {
  readonly reports: readonly WorkerReport[];
  /** The same as they were handed over: what stands in one batch is stored in one transaction. */
  readonly batches: readonly (readonly WorkerReport[])[];
}

/** Starts (or with `resume` goes on with) a prepared run. */
export function train(
  { job }: PreparedRun,
  options: {
    resume?: boolean;
    /** How several workers exchange gradients. */
    exchange?: CrewPlace['exchange'];
    limits?: Partial<Limits>;
    onReport?: (report: WorkerReport, training: SupervisedTraining) => void;
  } = {},
): Watched {
  const reports: WorkerReport[] = [];
  const batches: (readonly WorkerReport[])[] = [];
  const training: SupervisedTraining = superviseTraining({
    entry: checkoutEntries().path('training'),
    environments: job.devices.map(() =>
      workerEnvironment(job.engine, { dataDirectory: job.dataDirectory, threads: job.threads }),
    ),
    exchange: options.exchange ?? null,
    job: { ...job, resumeFrom: options.resume === true ? 'newest' : null },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onReports: (some) => {
      batches.push(some);
      for (const report of some) {
        reports.push(report);
        options.onReport?.(report, training);
      }
    },
  });
  return { ...training, reports, batches };
}

/** Loss of each step as reported, later attempts replacing earlier ones from where they resumed. */
export function lossesOf(attempts: readonly (readonly WorkerReport[])[]): Map<number, number> {
  const losses = new Map<number, number>();
  for (const report of attempts.flat()) {
    if (report.kind === 'started')
      for (const step of losses.keys()) if (step > report.resumedAtStep) losses.delete(step);
    if (report.kind === 'metrics')
      for (const { metric, step, value } of report.points)
        if (metric === 'step/loss') losses.set(step, value);
  }
  return losses;
}

/** Every value and moment of the newest checkpoint, by name: what must be equal to the bit. */
export function weightsOf({ job, config }: PreparedRun): Map<string, Float32Array> {
  const { checkpoint } = newestCheckpoint(job.runDirectory);
  const found = new Map<string, Float32Array>();
  const shapesOf = runKind(config) === 'pretraining' ? pretrainingShapes : parameterShapes;
  for (const shape of shapesOf(config.model)) {
    const { value, first, second } = checkpoint!.parameter(shape);
    found.set(shape.name, value).set(`first ${shape.name}`, first!).set(`second ${shape.name}`, second!);
  }
  return found;
}

export const checkpointFolders = ({ job }: PreparedRun): string[] =>
  readdirSync(join(job.runDirectory, 'checkpoints')).sort();
