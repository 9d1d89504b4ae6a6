/**
 * @file Benchmark: what a training epoch costs beside computing: reading tokens, batching, metrics, database, checkpoint.
 * `node test/bench/epochBench.ts [tensorflow|wasm]` trains one epoch of the book's sizes on ../shared/data/snli_1.0
 * through the real studio and prints one JSON object.
 */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochOrder, planMicroBatches } from '../../main/data/batches.ts';
import { openCache } from '../../main/data/cache.ts';
import { requireDataset } from '../../main/data/datasets.ts';
import { encodeSplit } from '../../main/data/encodedSplits.ts';
import { vocabularyOf } from '../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { checkoutEntries } from '../../main/entries.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import { openStudio } from '../../main/studio.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { missingShared, sharedPath } from '../support/sharedData.ts';
import { bookHyperparameters } from './models.ts';

const hyperparameters = bookHyperparameters({ epochs: 1, minFreq: 2 });
const MICRO_BATCH_TOKENS = 16384;

const missing = missingShared('data', 'snli_1.0');
if (missing !== null) throw new Error(missing);
const folder = mkdtempSync(join(tmpdir(), 'entail-bench-'));
try {
  const engines = join(chooseDataDirectory(null, process.env), 'engines');
  symlinkSync(engines, join(folder, 'engines'));
  console.log(JSON.stringify(await measure((process.argv[2] ?? 'wasm') as EngineName)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(engine: EngineName): Promise<Record<string, number>> {
  const studio = openStudio({
    dataDirectory: folder,
    entries: checkoutEntries(),
    version: 'bench',
    onNotice: () => {},
  });
  await studio.datasets.import({ path: sharedPath('data', 'snli_1.0'), name: 'snli' });
  const times = new Map<string, number>();
  const seen: WorkerReport[] = [];
  const unnamed = {
    name: null,
    experiment: null,
    tags: [],
    vocabularyPath: null,
    model: null,
    startFrom: null,
  };
  const request = { dataset: 'snli', hyperparameters, engine, threads: null, ...unnamed };
  const onReports = (reports: readonly WorkerReport[]) => {
    for (const report of reports) {
      seen.push(report);
      if (!times.has(report.kind)) times.set(report.kind, performance.now());
    }
  };
  const training = await studio.training.start(request, { onReports });
  await training.done;
  studio.close();
  const wallSeconds = (times.get('finished')! - times.get('started')!) / 1000;
  const evaluationSeconds = seen.reduce(
    (sum, report) =>
      sum + (report.kind === 'evaluation' ? report.evaluation.pairs / report.evaluation.pairsPerSecond : 0),
    0,
  );
  const steppingSeconds = seen
    .flatMap((report) => (report.kind === 'metrics' ? report.points : []))
    .reduce((sum, { metric, value }) => sum + (metric === 'epoch/seconds' ? value : 0), 0);
  const { readingSeconds, batchingSeconds } = await dataCosts();
  // Storing runs beside training, in the supervisor; what it holds up is in the rest.
  const restSeconds = wallSeconds - evaluationSeconds - steppingSeconds;
  const besides = restSeconds + readingSeconds + batchingSeconds;
  const share = besides / (steppingSeconds + restSeconds + readingSeconds);
  return { steppingSeconds, evaluationSeconds, restSeconds, readingSeconds, batchingSeconds, share };
}

/** Tokens from the cache, and one epoch's plans. */
async function dataCosts(): Promise<{ readingSeconds: number; batchingSeconds: number }> {
  const cache = openCache(join(folder, 'cache.db'));
  const dataset = requireDataset(cache, 'snli');
  const { maxLen, truncation, workers, batchSize, minFreq } = hyperparameters;
  const tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, minFreq));
  const options = { dataset, split: 'train' as const, tokenizer, maxLen, truncation, workers };
  await encodeSplit(cache, options);
  const readingBeganMs = performance.now();
  const split = await encodeSplit(cache, options);
  const batchingBeganMs = performance.now();
  const order = epochOrder(split.pairs, 0, 0);
  for (let begin = 0; begin < split.pairs; begin += batchSize)
    planMicroBatches(split, order.subarray(begin, begin + batchSize), {
      microBatchTokens: MICRO_BATCH_TOKENS,
    });
  const endedMs = performance.now();
  cache.close();
  return {
    readingSeconds: (batchingBeganMs - readingBeganMs) / 1000,
    batchingSeconds: (endedMs - batchingBeganMs) / 1000,
  };
}
