/** @file Entry "export": the process that writes exports and compares them, and reads run files of other studios. */
import { errorData } from '../../shared/errors.ts';
import { entriesHere } from '../entries.ts';
import { readRunFile } from '../export/runFile/readRunFile.ts';
import { parameterShapes } from '../model/parameters.ts';
import { type ChildPort, isChildProcess, openChildPort } from '../training/childPort.ts';
import { startHeartbeat } from '../training/heartbeat.ts';
import { exportMetrics } from './exportMetrics.ts';
import { type ExportLinks, exportModel } from './exportModel.ts';
import type { ExportAnswer, ExportOrder } from './job.ts';
import { requireWholeCheckpoint } from './wholeCheckpoint.ts';

const BEAT_MS = 1000;

async function work(
  order: Exclude<ExportOrder, { kind: 'cancel' }>,
  links: ExportLinks,
  port: ChildPort<ExportAnswer>,
): Promise<ExportAnswer> {
  try {
    if (order.kind === 'exportModel') await exportModel(order.job, links);
    else if (order.kind === 'exportMetrics') links.onExported(await exportMetrics(order.job, links));
    else {
      const parts = await readRunFile(order.path, order.folder);
      requireWholeCheckpoint(parts, parameterShapes(parts.run.config.model));
      port.answer({ kind: 'runFileRead', parts });
    }
    return { kind: 'done' };
  } catch (thrown) {
    return { kind: 'failed', error: errorData(thrown) };
  }
}

function main(): void {
  const cancel = new AbortController();
  const heartbeat = startHeartbeat(entriesHere().path('heartbeat'));
  // Reading and summing large files is no hang; each step between two beats is short.
  setInterval(() => heartbeat.beat(), BEAT_MS).unref();
  openChildPort<ExportOrder, ExportAnswer>(
    async (order, port) => {
      if (order.kind === 'cancel') {
        cancel.abort();
        return;
      }
      const links: ExportLinks = {
        signal: cancel.signal,
        beat: () => heartbeat.beat(),
        onProgress: (progress) => port.answer({ kind: 'progress', progress }),
        onExported: (finished) => port.answer({ kind: 'exported', finished }),
      };
      port.end(await work(order, links, port));
    },
    (error) => ({ kind: 'failed', error }),
  ).answer({ kind: 'ready' });
}

if (isChildProcess()) main();
