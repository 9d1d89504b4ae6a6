/** @file Tests. A studio asked as a page asks it, with its answers' types; runs that are small; and the processes it has started. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '../../main/data/cache.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { dataPlaces } from '../../main/studio/dataDirectory.ts';
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/contract/route.ts';
import type { RunDetails } from '../../shared/contract/runs.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type { RunState } from '../../shared/runs.ts';
import { numberedPairs, writePairsCsv } from './pairsCsv.ts';
import { temporaryFolder } from './temporaryFolder.ts';
import { until } from './until.ts';

/** Some milliseconds a step, twenty steps an epoch. */
const TINY = {
  ...{ size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen: 16 },
  ...{ batchSize: 16, minFreq: 1, workers: 1, epochs: 1 },
};
/** The same, for a command line. */
export const TINY_FLAGS: readonly string[] = [
  ...['--size', 'free', '--layers', '1', '--hidden', '16', '--heads', '2', '--feed-forward', '16'],
  ...['--max-len', '16', '--batch-size', '16', '--min-freq', '1', '--workers', '1'],
  ...['--engine', 'wasm', '--threads', '1'],
];
const PAIRS = 400;

/** Imports small pairs, with all three splits, as `pairs` into a data directory that no studio is open on. */
export async function importTinyPairs(dataDirectory: string): Promise<void> {
  const path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(path, numberedPairs(PAIRS));
  const cache = openCache(dataPlaces(dataDirectory).cacheDatabase);
  await importDataset(cache, { path, name: 'pairs' });
  cache.close();
}

type Dispatch = (route: string, input: unknown) => Promise<Result<unknown>>;

export class StudioCalls {
  readonly #dispatch: Dispatch;

  constructor(dispatch: Dispatch) {
    this.#dispatch = dispatch;
  }

  /** @throws what the studio says is wrong. */
  async ask<Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>> {
    const result = (await this.#dispatch(route, input)) as Result<Output<Name>>;
    if (result.ok) return result.value;
    throw new Error(`${route}: ${result.error.code} ${result.error.message}`);
  }

  /** What the studio says is wrong; an answer fails the test. */
  async refusal<Name extends RouteName>(route: Name, input: Input<Name>): Promise<ErrorData> {
    const result = await this.#dispatch(route, input);
    if (!result.ok) return result.error;
    throw new Error(`${route} was answered`);
  }

  /** Puts a small run on "pairs" into the queue. */
  async add(
    changes: object = {},
    place: 'front' | 'back' = 'back',
    { name = null, engine = 'wasm' }: { readonly name?: string | null; readonly engine?: EngineName } = {},
  ): Promise<string> {
    const hyperparameters = hyperparametersSchema.parse({ ...TINY, ...changes });
    const request = { dataset: 'pairs', hyperparameters, engine, threads: 1, name };
    return (await this.ask('queue/add', { requests: [request], place })).ids[0]!;
  }

  async show(run: string): Promise<RunDetails> {
    return await this.ask('runs/show', { run });
  }

  async untilState(run: string, ...states: RunState[]): Promise<RunDetails> {
    return await until(
      () => this.show(run),
      ({ state }) => states.includes(state),
    );
  }

  /** Until the run trains and has a checkpoint behind it. */
  async untilSaved(run: string): Promise<RunDetails> {
    return await until(
      () => this.show(run),
      ({ state, checkpoints }) => {
        if (state === 'completed') throw new Error(`run ${run} was done before it could be caught`);
        return state === 'running' && checkpoints.length > 0;
      },
    );
  }

  /** The log of a run as one text. */
  async log(run: string): Promise<string> {
    return (await this.ask('runs/log', { run })).lines.map(({ text }) => text).join('\n');
  }
}

/** What a run came to, to the last bit: figures, curves' ends, and its newest checkpoint's weights and moments. */
export function outcomeOf({ state, result, evaluations, folder }: RunDetails): object {
  const checkpoints = join(folder, 'checkpoints');
  const newest = readdirSync(checkpoints).sort().at(-1)!;
  const hashOf = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(checkpoints, newest, file)))
      .digest('hex');
  return {
    state,
    // The clock is the one thing that differs.
    result: { ...result, pairsPerSecond: null },
    evaluations: evaluations.map((evaluation) => ({ ...evaluation, pairsPerSecond: null })),
    newest,
    weights: hashOf('weights.safetensors'),
    optimizer: hashOf('optimizer.safetensors'),
  };
}

/** Process ids of what a process (this one unless told) has started from an entry file, such as "training/worker". */
export function childrenOf(file: string, parent = process.pid): number[] {
  const processes = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return processes
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((found) => Number(found?.[2]) === parent && found?.[3]?.includes(file) === true)
    .map((found) => Number(found![1]));
}
