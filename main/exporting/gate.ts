/** @file Runs in the exporting child. The parity gate: an export's answers beside the studio's own (see parity/bars.ts). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ParityAgreement, ParityNumbers } from '../../shared/exports.ts';
import type { ModelRunner } from '../export/modelRunner.ts';
import { Agreement } from '../export/parity/agreement.ts';
import { TIE_MARGIN } from '../export/parity/bars.ts';
import { Differences } from '../export/parity/differences.ts';
import { batchesOf, paddedBatch } from '../export/parity/paddedBatches.ts';
import type { GateExamples } from './gateExamples.ts';

const BATCH_SIZES = [1, 32] as const;
const AGREEMENT_BATCH = 32;
/** For the comparison of answers, the studio's and the export's together. */
const AGREEMENT_LIMIT_MS = 5 * 60_000;
const MOST_ROWS = 10_000;

export interface GateOptions {
  readonly examples: GateExamples;
  readonly classes: number;
  readonly padId: number;
  readonly signal: AbortSignal;
  /** Called between batches: share of this comparison, and what it is at. */
  readonly onProgress: (fraction: number, note: string) => void;
}

/** The studio's logits of each pair, computed once and used for every export of a job. */
export class StudioLogits {
  readonly #studio: ModelRunner;
  readonly #classes: number;
  readonly #known = new Map<string, Float32Array>();

  constructor(studio: ModelRunner, classes: number) {
    this.#studio = studio;
    this.#classes = classes;
  }

  /** [P, C] for a batch of these pairs. */
  async of(members: readonly number[], { examples, padId }: GateOptions): Promise<Float32Array> {
    const key = members.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { logits } = await this.#studio.run(paddedBatch(examples.encoded, members, padId));
    if (logits.length !== members.length * this.#classes)
      throw new Error('the studio answers in another shape');
    this.#known.set(key, logits);
    return logits;
  }
}

export interface ComparedNumbers {
  readonly numbers: ParityNumbers;
  /** The pair with the largest difference, as a place among the examples. */
  readonly worstPair: number;
}

/** Every logit of the chosen pairs, in batches of one and of 32; null when it was cancelled. */
export async function compareNumbers(
  studio: StudioLogits,
  exported: ModelRunner,
  options: GateOptions,
): Promise<ComparedNumbers | null> {
  const { examples, classes, padId, signal, onProgress } = options;
  const pairs = examples.numberPairs;
  const all = new Differences();
  let worst = { pair: pairs[0] ?? 0, difference: -1 };
  let done = 0;
  for (const size of BATCH_SIZES) {
    for (const members of batchesOf(pairs, size)) {
      if (signal.aborted) return null;
      const ours = await studio.of(members, options);
      const { logits } = await exported.run(paddedBatch(examples.encoded, members, padId));
      for (const [row, pair] of members.entries()) {
        const [one, other] = [ours, logits].map((values) =>
          values.subarray(row * classes, (row + 1) * classes),
        );
        const ofPair = new Differences();
        ofPair.add(one!, other!);
        all.add(one!, other!);
        if (ofPair.largest > worst.difference) worst = { pair, difference: ofPair.largest };
      }
      done += members.length;
      onProgress(done / (BATCH_SIZES.length * pairs.length), `comparing logits of ${pairs.length} pairs`);
      await nextTurn();
    }
  }
  const lengths = pairs.map((pair) => examples.encoded.offsets[pair + 1]! - examples.encoded.offsets[pair]!);
  const numbers: ParityNumbers = {
    pairs: pairs.length,
    madePairs: pairs.filter((pair) => examples.indices[pair] === -1).length,
    shortestTokens: Math.min(...lengths),
    longestTokens: Math.max(...lengths),
    emptyPairs: examples.emptyPairs,
    nonAsciiPairs: examples.nonAsciiPairs,
    batchSizes: BATCH_SIZES,
    ...all.summary(),
  };
  return { numbers, worstPair: worst.pair };
}

/** The answers of as many rows as fit into the limits, the shortest pairs of a stretch together. */
export async function compareAnswers(
  studio: StudioLogits,
  exported: ModelRunner,
  options: GateOptions & { readonly labels: readonly string[]; readonly rowsInSplit: number },
): Promise<ParityAgreement> {
  const { examples, classes, padId, signal, labels, rowsInSplit, onProgress } = options;
  const { offsets, labels: gold } = examples.encoded;
  const rows = examples.agreementRows.slice(0, MOST_ROWS);
  const agreement = new Agreement(labels, TIE_MARGIN);
  const beganMs = performance.now();
  let endedBy: ParityAgreement['endedBy'] = rows.length < rowsInSplit ? 'row limit' : 'all rows';
  for (const members of batchesOf(mixedByLength(rows, offsets), AGREEMENT_BATCH)) {
    if (signal.aborted) endedBy = 'cancelled';
    else if (performance.now() - beganMs > AGREEMENT_LIMIT_MS) endedBy = 'time limit';
    if (endedBy === 'cancelled' || endedBy === 'time limit') break;
    const ours = await studio.of(members, options);
    const { logits } = await exported.run(paddedBatch(examples.encoded, members, padId));
    for (const [row, member] of members.entries()) {
      const [one, other] = [ours, logits].map((values) => values.slice(row * classes, (row + 1) * classes));
      agreement.add(examples.indices[member]!, gold[member]!, one!, other!);
    }
    const counts = `${agreement.rows.toLocaleString('en')} of ${rows.length.toLocaleString('en')} rows`;
    onProgress(agreement.rows / rows.length, `comparing answers, ${counts}`);
    await nextTurn();
  }
  return agreement.summary(rowsInSplit, endedBy);
}

/** Rows of like length stand together inside a stretch of some thousand; stretches cover the split evenly. */
function mixedByLength(rows: readonly number[], offsets: Int32Array): number[] {
  const STRETCH = 1024;
  const strides = Math.max(1, Math.ceil(rows.length / STRETCH));
  const lengthOf = (row: number) => offsets[row + 1]! - offsets[row]!;
  return Array.from({ length: strides }, (_, first) =>
    rows.filter((_, at) => at % strides === first).sort((one, other) => lengthOf(one) - lengthOf(other)),
  ).flat();
}
