/**
 * @file Benchmarks, under Node. Imports a data set of SNLI's full size, encodes it, and opens it again; each in a
 * process of its own, as on the command line, whose peak memory is read at its end. Prints one line of JSON.
 * Run: node test/bench/importBench.ts [--scale 0.1] [--workers 2] [--folder made-earlier]
 */
import { execFileSync, type StdioOptions } from 'node:child_process';
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
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { type Dataset, SPLITS } from '../../shared/datasets.ts';
import { makeSnli } from './makeSnli.ts';

const SETTINGS = { maxLen: 128, truncation: 'longer-first' } as const;
const NAME = 'bench';

type Step = 'import' | 'encode' | 'again';
type Measured = Record<string, number>;

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
  const tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, 5));
  let tokens = 0;
  for (const split of SPLITS) {
    const options = { dataset, split, tokenizer, workers: Number(values.workers), ...SETTINGS };
    tokens += (await encodeSplit(cache, options)).ids.length;
  }
  return tokens;
}

/** What `datasets import` does. */
async function importStep(cachePath: string, folder: string): Promise<Measured> {
  const startedMs = performance.now();
  const cache = openCache(cachePath);
  const dataset = await importDataset(cache, { path: folder, name: NAME });
  cache.close();
  const rows = dataset.rows.train + dataset.rows.dev + dataset.rows.test;
  return { rows, seconds: secondsSince(startedMs), maxRssMb: maxRssMb() };
}

/** What the first `train` on a data set does. */
async function encodeStep(cachePath: string): Promise<Measured> {
  const startedMs = performance.now();
  const cache = openCache(cachePath);
  const tokens = await encodeAll(cache, requireDataset(cache, NAME));
  cache.close();
  return { tokens, seconds: secondsSince(startedMs), maxRssMb: maxRssMb() };
}

/** What every later `train` does: everything it needs of the data, from the cache. */
async function againStep(cachePath: string): Promise<Measured> {
  const startedMs = performance.now();
  const cache = openCache(cachePath);
  const dataset = requireDataset(cache, NAME);
  const openMs = performance.now() - startedMs;
  const tokens = await encodeAll(cache, dataset);
  const readyMs = performance.now() - startedMs;
  cache.close();
  return { tokens, openMs: Math.round(openMs), readyMs: Math.round(readyMs), maxRssMb: maxRssMb() };
}

function maxRssMb(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
}

function secondsSince(startedMs: number): number {
  return Math.round((performance.now() - startedMs) / 10) / 100;
}

function measure(step: Step, cachePath: string, folder: string): Measured {
  const file = fileURLToPath(import.meta.url);
  const args = [file, '--step', step, '--cache', cachePath, '--folder', folder, '--workers', values.workers];
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit'];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio }));
}

async function runStep(step: string, cachePath: string, folder: string): Promise<Measured> {
  if (step === 'import') return importStep(cachePath, folder);
  return step === 'encode' ? encodeStep(cachePath) : againStep(cachePath);
}

async function main(): Promise<void> {
  if (values.step !== undefined && values.cache !== undefined && values.folder !== undefined) {
    console.log(JSON.stringify(await runStep(values.step, values.cache, values.folder)));
    return;
  }
  const temporary = mkdtempSync(join(tmpdir(), 'entail-bench-'));
  try {
    const folder = values.folder ?? join(temporary, 'snli_1.0');
    if (values.folder === undefined) makeSnli(folder, Number(values.scale));
    const cachePath = join(temporary, 'cache.db');
    const first = measure('import', cachePath, folder);
    const encode = measure('encode', cachePath, folder);
    const again = measure('again', cachePath, folder);
    const result = {
      bench: 'import',
      workers: Number(values.workers),
      totalSeconds: Math.round((first.seconds! + encode.seconds!) * 100) / 100,
      maxRssMb: Math.max(first.maxRssMb!, encode.maxRssMb!),
      readyAgainMs: again.readyMs,
      cacheMb: Math.round(statSync(cachePath).size / 1e6),
      ...{ import: first, encode, again },
    };
    console.log(JSON.stringify(result));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await main();
