/** @file Runs in the supervisor's process. A probe in a child of its own, which is ended when it is done or cancelled. */
import { errorFromData, StudioError } from '../../shared/errors.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import type { ProbeAnswer, ProbeFigures, TrainingJob, TrainingOrder } from './jobs.ts';
import { longestFirstStepMs } from './patience.ts';
import { SupervisedChild } from './supervisedChild.ts';

export interface ProbeOptions {
  /** Path of the entry "training". */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly job: TrainingJob;
  readonly signal: AbortSignal;
  /** Share done, 0 to 1. */
  readonly onProgress: (fraction: number) => void;
  /** Told what a person should know of what it is measured on. */
  readonly onNotice: (text: string) => void;
}

/** @throws StudioError CANCELLED when the signal says so; OUT_OF_MEMORY, ENGINE_FAILED, … as a run would fail. */
export async function superviseProbe({
  entry,
  environment,
  job,
  signal,
  onProgress,
  onNotice,
}: ProbeOptions): Promise<ProbeFigures> {
  const cancelled = () => new StudioError('CANCELLED', 'The measurement was cancelled.');
  if (signal.aborted) throw cancelled();
  const { promise, resolve, reject } = Promise.withResolvers<ProbeFigures>();
  const child = new SupervisedChild<TrainingOrder, WorkerReport | ProbeAnswer>({
    entry,
    environment,
    nextStep: 'Measure again, or start without it.',
    limits: { firstHangMs: longestFirstStepMs(job.devices) },
    onMessage: (answer) => {
      if (answer.kind === 'probing') onProgress(answer.fraction);
      else if (answer.kind === 'notice') onNotice(answer.text);
      else if (answer.kind === 'probed') resolve(answer.figures);
      else if (answer.kind === 'failed') reject(errorFromData(answer.error));
    },
    onEnd: (error) => reject(signal.aborted ? cancelled() : error),
  });
  const cancel = () => child.kill();
  signal.addEventListener('abort', cancel);
  child.send({ kind: 'probe', job });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', cancel);
    child.kill();
  }
}
