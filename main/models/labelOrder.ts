/** @file Runs anywhere. The order of a head's outputs: the three labels of inference stand as in the book, others as in their file. */
import { SNLI_LABELS } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import { nliLabel } from '../../shared/nliLabels.ts';
import { someNames } from './weightFile.ts';

export interface LabelOrder {
  /** What each class means, in our order. */
  readonly labels: readonly string[];
  /** For each of our classes the output of the file. */
  readonly outputs: readonly number[];
}

/** @param names what each output means, in the file's order; unique */
export function labelOrder(names: readonly string[]): LabelOrder {
  const known = names.map(nliLabel);
  const labels = SNLI_LABELS.filter((label) => known.includes(label));
  if (labels.length < names.length) return { labels: names, outputs: names.map((_, output) => output) };
  return { labels, outputs: labels.map((label) => known.indexOf(label)) };
}

/**
 * @param file whose mistake it is; null: the caller's
 * @throws StudioError USAGE, BAD_FILE when the names are not one an output, all different.
 */
export function requireNames(names: readonly string[], classes: number, file: string | null): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (names.length === classes && twice === undefined) return;
  const what =
    twice === undefined
      ? `${names.length} labels are named, but the model has ${classes} outputs`
      : `two outputs are called ${someNames([twice])}`;
  throw new StudioError(file === null ? 'USAGE' : 'BAD_FILE', `${file ?? 'The labels'}: ${what}.`, {
    nextStep: 'Say what each output means, in the order of the file.',
    ...(file === null ? {} : { place: { file } }),
  });
}

/** Rows, one an output, in the order of `outputs`. */
export function inOutputOrder(values: Float32Array, outputs: readonly number[]): Float32Array {
  const width = values.length / outputs.length;
  const sorted = new Float32Array(values.length);
  for (const [row, output] of outputs.entries())
    sorted.set(values.subarray(output * width, (output + 1) * width), row * width);
  return sorted;
}
