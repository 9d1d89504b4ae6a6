/** @file Runs under Node. A file of pairs to a file of predictions, in blocks, so that size does not matter. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { predictedClass } from '../analysis/mistakes.ts';
import type { Predictor } from './inference.ts';
import {
  type InputOptions,
  type PredictionFormat,
  type PredictionRow,
  readPredictionRows,
} from './predictionInput.ts';
import { PredictionFile, PredictionFormatter } from './predictionOutput.ts';

/** Rows that are predicted at a time. */
const BLOCK_ROWS = 512;

export interface PredictFileOptions {
  readonly input: InputOptions;
  readonly output: { readonly path: string; readonly format: PredictionFormat; readonly force: boolean };
  readonly signal: AbortSignal;
  readonly onProgress: (pairs: number) => void;
}

export interface PredictFileResult {
  readonly pairs: number;
  readonly labelCounts: Readonly<Record<string, number>>;
  /** Rows that were left out, by reason. */
  readonly rejected: ReadonlyMap<string, { readonly count: number; readonly firstLine: number }>;
}

/** Under any spelling, through links too. @throws StudioError USAGE when predictions would replace what they are made from. */
export function requireTwoFiles(input: string, output: string): void {
  const read = identityOf(input);
  const same = resolve(input) === resolve(output) || (read !== null && read === identityOf(output));
  if (!same) return;
  throw new StudioError('USAGE', `The predictions would replace their own input, ${input}.`, {
    nextStep: 'Give --output the name of another file.',
    place: { file: input },
  });
}

/** Equal for all names of one file; null where there is none, or none that can be looked at. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/**
 * Streams the input through the model. The output appears when it is complete.
 * @throws StudioError CANCELLED; USAGE when both are the same file; what the files and the model throw.
 */
export async function predictFile(
  predictor: Predictor,
  options: PredictFileOptions,
): Promise<PredictFileResult> {
  const { input, output, signal, onProgress } = options;
  requireTwoFiles(input.path, output.path);
  const file = await PredictionFile.create(output.path, { force: output.force });
  try {
    const formatter = new PredictionFormatter(output.format, predictor.labels);
    const counts = new Map(predictor.labels.map((label) => [label, 0]));
    const rejected = new Map<string, { count: number; firstLine: number }>();
    let pairs = 0;
    for await (const rows of blocksOf(readPredictionRows(input), rejected)) {
      if (signal.aborted)
        throw new StudioError('CANCELLED', 'Predicting was cancelled; no file was written.');
      const probabilities = await predictor.predict(
        rows.map(({ premise, hypothesis }) => ({ premise, hypothesis })),
      );
      for (const index of rows.keys()) {
        const label = predictor.labels[predictedClass(probabilities, predictor.labels.length, index)]!;
        counts.set(label, counts.get(label)! + 1);
      }
      await file.write(formatter.text(rows, probabilities));
      pairs += rows.length;
      onProgress(pairs);
    }
    if (pairs === 0) throw nothingToPredict(input.path, rejected);
    await file.finish();
    return { pairs, labelCounts: Object.fromEntries(counts), rejected };
  } finally {
    await file.discard();
  }
}

async function* blocksOf(
  rows: ReturnType<typeof readPredictionRows>,
  rejected: Map<string, { count: number; firstLine: number }>,
): AsyncGenerator<PredictionRow[]> {
  let block: PredictionRow[] = [];
  for await (const row of rows) {
    if (row.kind === 'rejected') {
      const known = rejected.get(row.reason);
      rejected.set(row.reason, { count: (known?.count ?? 0) + 1, firstLine: known?.firstLine ?? row.line });
      continue;
    }
    block.push(row);
    if (block.length < BLOCK_ROWS) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

function nothingToPredict(path: string, rejected: PredictFileResult['rejected']): StudioError {
  const [first] = rejected;
  const why = first === undefined ? 'it holds no rows' : `${first[0]} (first in line ${first[1].firstLine})`;
  return new StudioError('BAD_FILE', `Nothing in the file can be predicted: ${why}.`, {
    nextStep: 'Check the file, or name its columns with --mapping.',
    place: { file: path, ...(first === undefined ? {} : { line: first[1].firstLine }) },
  });
}
