/** @file Runs in the supervisor's process. An export, or the reading of a run file, in a child of its own. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorFromData, StudioError } from '../../shared/errors.ts';
import type { RunFileParts } from '../export/runFile/runFile.ts';
import { sweepTemporary } from '../files/sealedFolder.ts';
import { SupervisedChild } from '../training/supervisedChild.ts';
import type { ExportAnswer, ExportOrder, ExportProgress, FinishedExport } from './job.ts';

/**
 * A batch of 32 pairs on WebAssembly lets nothing else in the child move: of bert.base's size it takes tens of seconds, of
 * bert.large's or on a busy machine minutes.
 */
const LONGEST_SILENCE_MS = 15 * 60_000;

export interface ExportOptions {
  /** Path of the entry "export". */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Cancels in good order: see ExportOrder. */
  readonly signal: AbortSignal;
  /** Ends the child at once. */
  readonly kill?: AbortSignal;
  readonly onProgress: (progress: ExportProgress) => void;
  /** One export is in its place; may be called more than once. */
  readonly onExported: (finished: FinishedExport) => void;
}

/** @throws StudioError CANCELLED, INTERRUPTED when it was killed, and what the child says. */
export async function superviseExport(
  order: Extract<ExportOrder, { kind: 'exportModel' | 'exportMetrics' }>,
  options: ExportOptions,
): Promise<void> {
  try {
    await carryOut(order, options, () => {});
  } catch (thrown) {
    for (const destination of destinationsOf(order)) sweepBeside(destination);
    throw thrown;
  }
}

function destinationsOf(order: Extract<ExportOrder, { kind: 'exportModel' | 'exportMetrics' }>): string[] {
  if (order.kind === 'exportMetrics') return [order.job.destination];
  return order.job.targets.map(({ destination }) => destination);
}

/** A child that was killed could not take away what it was writing, which may be as large as the model. */
function sweepBeside(destination: string): void {
  try {
    sweepTemporary(dirname(destination));
  } catch {
    // Why the export ended is what a person must know; the next one in that place tries again.
  }
}

/** Unpacks a run file into `folder`, which is made. @throws StudioError as `readRunFile`. */
export async function superviseRunFile(
  path: string,
  folder: string,
  options: Pick<ExportOptions, 'entry' | 'signal'>,
): Promise<RunFileParts> {
  mkdirSync(folder, { recursive: true });
  let parts: RunFileParts | null = null;
  const quiet = { environment: {}, onProgress: () => {}, onExported: () => {} };
  // Nothing is kept of half a run: cancelling it ends the child.
  const kill = options.signal;
  await carryOut({ kind: 'readRunFile', path, folder }, { ...options, ...quiet, kill }, (read) => {
    parts = read;
  });
  if (parts === null) throw new StudioError('INTERNAL', 'The child read nothing.');
  return parts;
}

async function carryOut(
  order: ExportOrder,
  { entry, environment, signal, kill, onProgress, onExported }: ExportOptions,
  onRead: (parts: RunFileParts) => void,
): Promise<void> {
  const cancelled = () => new StudioError('CANCELLED', 'It was cancelled; what was not finished is gone.');
  if (signal.aborted) throw cancelled();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = new SupervisedChild<ExportOrder, ExportAnswer>({
    entry,
    environment,
    nextStep: 'What was there before is whole: start it again.',
    limits: { leastHangMs: LONGEST_SILENCE_MS },
    onMessage: (answer) => {
      if (answer.kind === 'progress') onProgress(answer.progress);
      else if (answer.kind === 'exported') onExported(answer.finished);
      else if (answer.kind === 'runFileRead') onRead(answer.parts);
      else if (answer.kind === 'done') resolve();
      else if (answer.kind === 'failed') reject(errorFromData(answer.error));
    },
    onEnd: (error) => reject(signal.aborted ? cancelled() : error),
  });
  const cancel = () => child.send({ kind: 'cancel' });
  const end = () => child.kill();
  signal.addEventListener('abort', cancel);
  kill?.addEventListener('abort', end);
  child.send(order);
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', cancel);
    kill?.removeEventListener('abort', end);
  }
}
