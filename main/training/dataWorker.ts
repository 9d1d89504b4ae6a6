/** @file Entry "data": the process that imports and downloads data sets, so that the studio's own never stands still. */
import type { Dataset, ImportReport } from '../../shared/datasets.ts';
import { errorData } from '../../shared/errors.ts';
import { type Cache, openCache } from '../data/cache.ts';
import { downloadHubDataset } from '../data/downloadHubDataset.ts';
import { downloadSnli } from '../data/downloadSnli.ts';
import { importDataset } from '../data/importDataset.ts';
import { TooManyBadRows } from '../data/tooManyBadRows.ts';
import { entriesHere } from '../entries.ts';
import { isChildProcess, openChildPort } from './childPort.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { DataAnswer, DataOrder, DataProgress } from './jobs.ts';

const BEAT_MS = 1000;

function reportOf(thrown: unknown): ImportReport | null {
  return thrown instanceof TooManyBadRows ? thrown.report : null;
}

async function datasetOf(
  cache: Cache,
  order: Exclude<DataOrder, { kind: 'cancel' }>,
  signal: AbortSignal,
  tell: (answer: DataAnswer) => void,
): Promise<Dataset> {
  const onProgress = (progress: DataProgress) => tell({ kind: 'progress', progress });
  if (order.kind === 'import')
    return await importDataset(cache, {
      ...order.source,
      signal,
      onProgress: (progress) => onProgress({ step: 'import', ...progress }),
    });
  const { dataDirectory, hub } = order;
  if (hub === null) return await downloadSnli(cache, { dataDirectory, signal, onProgress });
  return await downloadHubDataset(cache, { ...hub, dataDirectory, signal, onProgress });
}

async function work(
  order: Exclude<DataOrder, { kind: 'cancel' }>,
  signal: AbortSignal,
  tell: (answer: DataAnswer) => void,
): Promise<DataAnswer> {
  const cache = openCache(order.cachePath);
  try {
    const dataset = await datasetOf(cache, order, signal, tell);
    return { kind: 'imported', dataset };
  } catch (thrown) {
    return { kind: 'failed', error: errorData(thrown), report: reportOf(thrown) };
  } finally {
    cache.close();
  }
}

function main(): void {
  const cancel = new AbortController();
  const heartbeat = startHeartbeat(entriesHere().path('heartbeat'));
  setInterval(() => heartbeat.beat(), BEAT_MS).unref();
  openChildPort<DataOrder, DataAnswer>(
    async (order, { answer, end }) => {
      if (order.kind === 'cancel') {
        cancel.abort();
        return;
      }
      end(
        await work(order, cancel.signal, (told) => {
          heartbeat.beat();
          answer(told);
        }),
      );
    },
    (error) => ({ kind: 'failed', error, report: null }),
  ).answer({ kind: 'ready' });
}

if (isChildProcess()) main();
