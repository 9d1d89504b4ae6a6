/** @file Runs in the supervisor's process. An engine's test in a child of its own: watched, limited, ended, never taken down by it. */
import type { EngineRecord } from '../../shared/engines.ts';
import type { GoldenRow, TrainedSteps } from '../../shared/engineTest.ts';
import { type ErrorData, errorData, errorFromData, StudioError } from '../../shared/errors.ts';
import { longestFirstStepMs } from '../training/patience.ts';
import { SupervisedChild } from '../training/supervisedChild.ts';
import type { EngineTestAnswer, EngineTestOrder } from './engineTestMessages.ts';

export interface EngineTestOptions {
  /** Path of the entry "engineTest". */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly order: EngineTestOrder;
  readonly signal: AbortSignal;
  /** Of the whole test; what was compared until then is kept. */
  readonly timeLimitMs: number;
  readonly onProgress: (progress: { readonly fraction: number; readonly note: string }) => void;
}

/** What the child told; `failure` is why it told no more. */
export interface EngineTestFindings {
  readonly engine: EngineRecord;
  /** See `OpenEngine`. */
  readonly notice: string | null;
  readonly goldens: readonly GoldenRow[];
  readonly training: TrainedSteps | null;
  readonly peakMemoryBytes: number | null;
  readonly deviceMemoryBytes: number | null;
  readonly failure: ErrorData | null;
}

/** Where one kernel is compiled after another as they are come to. */
const LEAST_HANG_MS = 180_000;
const NEXT_STEP = 'Paste this report into an issue; npx --no entail engines doctor shows what was found.';

/**
 * Tests an engine.
 * @throws StudioError CANCELLED when the signal says so; what opening the engine throws. After that whatever goes wrong,
 * a crash and the time limit included, is part of what was found.
 */
export async function superviseEngineTest(options: EngineTestOptions): Promise<EngineTestFindings> {
  const { entry, environment, order, signal, timeLimitMs } = options;
  const cancelled = () => new StudioError('CANCELLED', 'The test was cancelled.');
  if (signal.aborted) throw cancelled();
  const told = new ToldSoFar();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = new SupervisedChild<EngineTestOrder, EngineTestAnswer>({
    entry,
    environment,
    nextStep: NEXT_STEP,
    limits: { leastHangMs: LEAST_HANG_MS, firstHangMs: longestFirstStepMs([order.device]) },
    onMessage: (answer) => {
      if (answer.kind === 'progress') options.onProgress(answer);
      else if (answer.kind === 'failed') reject(errorFromData(answer.error));
      else if (told.take(answer)) resolve();
    },
    onEnd: (error) => reject(signal.aborted ? cancelled() : error),
  });
  const end = (error: StudioError) => {
    reject(error);
    child.kill();
  };
  const cancel = () => end(cancelled());
  const timer = setTimeout(() => end(tooLong(timeLimitMs)), timeLimitMs);
  signal.addEventListener('abort', cancel);
  child.send(order);
  try {
    await promise;
    return told.findings(null);
  } catch (thrown) {
    const error = errorData(thrown);
    if (error.code === 'CANCELLED' || told.record === null) throw thrown;
    return told.findings(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    child.kill();
  }
}

function tooLong(timeLimitMs: number): StudioError {
  return new StudioError('WORKER_HUNG', `The test did not end within ${Math.round(timeLimitMs / 1000)} s.`, {
    nextStep: 'Give it longer with --minutes, or another engine.',
  });
}

class ToldSoFar {
  record: EngineRecord | null = null;
  #notice: string | null = null;
  readonly #goldens: GoldenRow[] = [];
  #training: TrainedSteps | null = null;
  #memory: Pick<EngineTestFindings, 'peakMemoryBytes' | 'deviceMemoryBytes'> = {
    peakMemoryBytes: null,
    deviceMemoryBytes: null,
  };

  /** @returns true for the last answer. */
  take(answer: Exclude<EngineTestAnswer, { kind: 'progress' | 'failed' }>): boolean {
    if (answer.kind === 'opened') {
      this.record = answer.record;
      this.#notice = answer.notice;
    }
    if (answer.kind === 'compared' || answer.kind === 'trained') this.#goldens.push(answer.row);
    if (answer.kind === 'trained') this.#training = answer.training;
    if (answer.kind !== 'finished') return false;
    const { peakMemoryBytes, deviceMemoryBytes } = answer;
    this.#memory = { peakMemoryBytes, deviceMemoryBytes };
    return true;
  }

  findings(failure: ErrorData | null): EngineTestFindings {
    if (this.record === null) throw new StudioError('INTERNAL', 'The test ended before the engine was open.');
    return {
      engine: this.record,
      notice: this.#notice,
      goldens: this.#goldens,
      training: this.#training,
      ...this.#memory,
      failure,
    };
  }
}
