/**
 * @file Benchmarks, under Node. Imports and encodes a data set of SNLI's full size, then opens it again; each in a
 * process of its own, whose peak memory is read at its end. Prints one line of JSON.
 * Run: node test/bench/importBench.ts [--scale 0.1] [--workers 2] [--folder made-earlier]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openCache } from '../../main/data/cache.ts';
import { requireDataset } from '../../main/data/datasets.ts';
import { encodeSplit } from '../../main/data/encodedSplits.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { vocabularyOf } from '../../main/data/vocabulary.ts';
import { type Dataset, SPLITS } from '../../shared/datasets.ts';
import { makeSnli } from './makeSnli.ts';

const SETTINGS = { maxLen: 128, truncation: 'longer-first' } as const;
const NAME = 'bench';

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    /** A folder that makeSnli wrote earlier. */
    folder: { type: 'string' },
    /** Set for the processes that are measured. */
    step: { type: 'string' },
    cache: { type: 'string' },
  },
});

async function encodeAll(cache: ReturnType<typeof openCache>, dataset: Dataset): Promise<number> {
  const vocabulary = vocabularyOf(cache, dataset.id, 5);
  let tokens = 0;
  for (const split of SPLITS) {
    const options = { dataset, split, vocabulary, workers: Number(values.workers), ...SETTINGS };
    tokens += (await encodeSplit(cache, options)).ids.length;
  }
  return tokens;
}

/** Import, then encode. */
async function firstTime(cachePath: string, folder: string): Promise<Record<string, number>> {
  const startedMs = performance.now();
  const cache = openCache(cachePath);
  const dataset = await importDataset(cache, { path: folder, name: NAME });
  const importedMs = performance.now();
  const tokens = await encodeAll(cache, dataset);
  const encodedMs = performance.now();
  cache.close();
  const rows = dataset.rows.train + dataset.rows.dev + dataset.rows.test;
  return {
    rows,
    tokens,
    importSeconds: seconds(importedMs - startedMs),
    encodeSeconds: seconds(encodedMs - importedMs),
    closeSeconds: seconds(performance.now() - encodedMs),
    totalSeconds: seconds(performance.now() - startedMs),
    maxRssMb: maxRssMb(),
  };
}

/** Everything that training needs of the data, from an existing cache. */
async function secondTime(cachePath: string): Promise<Record<string, number>> {
  const startedMs = performance.now();
  const cache = openCache(cachePath);
  const dataset = requireDataset(cache, NAME);
  const openMs = performance.now() - startedMs;
  await encodeAll(cache, dataset);
  const readyMs = performance.now() - startedMs;
  cache.close();
  return { openMs: Math.round(openMs), readyMs: Math.round(readyMs), maxRssMb: maxRssMb() };
}

function maxRssMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

function seconds(ms: number): number {
  return Math.round(ms / 10) / 100;
}

function measure(step: string, cachePath: string, folder: string): Record<string, number> {
  const file = fileURLToPath(import.meta.url);
  const args = [file, '--step', step, '--cache', cachePath, '--folder', folder, '--workers', values.workers];
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  );
}

async function main(): Promise<void> {
  if (values.step !== undefined && values.cache !== undefined && values.folder !== undefined) {
    const step = values.step === 'first' ? firstTime(values.cache, values.folder) : secondTime(values.cache);
    console.log(JSON.stringify(await step));
    return;
  }
  const temporary = mkdtempSync(join(tmpdir(), 'entail-bench-'));
  try {
    const folder = values.folder ?? join(temporary, 'snli_1.0');
    if (values.folder === undefined) makeSnli(folder, Number(values.scale));
    const cachePath = join(temporary, 'cache.db');
    const first = measure('first', cachePath, folder);
    const cacheMb = Math.round(statSync(cachePath).size / 1e6);
    const second = measure('second', cachePath, folder);
    console.log(
      JSON.stringify({ bench: 'import', workers: Number(values.workers), ...first, cacheMb, second }),
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await main();
