/** @file Entry "data": the process that imports and downloads data sets, so that the studio's own never stands still. */
import type { ImportReport } from '../../shared/datasets.ts';
import { errorData } from '../../shared/errors.ts';
import { openCache } from '../data/cache.ts';
import { downloadSnli } from '../data/downloadSnli.ts';
import { importDataset, TooManyBadRows } from '../data/importDataset.ts';
import { entriesHere } from '../entries.ts';
import { isChildProcess, openChildPort } from './childPort.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { DataAnswer, DataOrder } from './jobs.ts';

const BEAT_MS = 1000;

function reportOf(thrown: unknown): ImportReport | null {
  return thrown instanceof TooManyBadRows ? thrown.report : null;
}

async function work(
  order: Exclude<DataOrder, { kind: 'cancel' }>,
  signal: AbortSignal,
  tell: (answer: DataAnswer) => void,
): Promise<DataAnswer> {
  const cache = openCache(order.cachePath);
  try {
    const dataset =
      order.kind === 'import'
        ? await importDataset(cache, {
            ...order.source,
            signal,
            onProgress: (progress) => tell({ kind: 'progress', progress: { step: 'import', ...progress } }),
          })
        : await downloadSnli(cache, {
            dataDirectory: order.dataDirectory,
            signal,
            onProgress: (progress) => tell({ kind: 'progress', progress }),
          });
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
