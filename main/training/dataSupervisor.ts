/** @file Runs in the supervisor's process. An import or a download in a child of its own. */
import type { Dataset, ImportReport } from '../../shared/datasets.ts';
import { errorFromData, StudioError } from '../../shared/errors.ts';
import type { DataAnswer, DataOrder, DataProgress } from './jobs.ts';
import { SupervisedChild } from './supervisedChild.ts';

export interface DataOptions {
  /** Path of the entry "data". */
  readonly entry: string;
  readonly order: Exclude<DataOrder, { kind: 'cancel' }>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DataProgress) => void;
  /** What had been found when too many rows were bad. */
  readonly onReport: (report: ImportReport) => void;
}

/** A cancelled child that does not end by itself is ended; what it wrote is removed by the next import. */
const CANCEL_MS = 5000;

/** @throws StudioError CANCELLED, and what `importDataset` and `downloadSnli` throw. */
export async function superviseData({
  entry,
  order,
  signal,
  onProgress,
  onReport,
}: DataOptions): Promise<Dataset> {
  const cancelled = () => new StudioError('CANCELLED', 'The import was cancelled; nothing of it is left.');
  if (signal.aborted) throw cancelled();
  const { promise, resolve, reject } = Promise.withResolvers<Dataset>();
  const child = new SupervisedChild<DataOrder, DataAnswer>({
    entry,
    environment: {},
    nextStep: 'Nothing of it is left: start it again.',
    onMessage: (answer) => {
      if (answer.kind === 'progress') onProgress(answer.progress);
      else if (answer.kind === 'imported') resolve(answer.dataset);
      else if (answer.kind === 'failed') {
        if (answer.report !== null) onReport(answer.report);
        reject(errorFromData(answer.error));
      }
    },
    onEnd: (error) => reject(signal.aborted ? cancelled() : error),
  });
  let kill: NodeJS.Timeout | null = null;
  const cancel = () => {
    child.send({ kind: 'cancel' });
    kill = setTimeout(() => child.kill(), CANCEL_MS);
  };
  signal.addEventListener('abort', cancel);
  child.send(order);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', cancel);
    if (kill !== null) clearTimeout(kill);
  }
}
