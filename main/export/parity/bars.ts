/** @file Runs anywhere. What each format must keep to before it is believed, and what an outcome fails by. Pure. */
import type {
  ExportPrecision,
  ModelFormat,
  ParityAgreement,
  ParityBars,
  ParityNumbers,
  ParityReport,
} from '../../../shared/exports.ts';

const EXACT: ParityBars = { maxDifference: 1e-4, meanDifference: 1e-5, agreement: 1, accuracyDrop: 0 };
/** The same bytes give the same bits where an engine is deterministic; on a GPU sums may be in another order. */
const READ_BACK: ParityBars = { ...EXACT, maxDifference: 1e-5 };
const TENSORFLOW_JS: ParityBars = {
  maxDifference: 1e-3,
  meanDifference: null,
  agreement: 1,
  accuracyDrop: 0,
};
/** Rounded weights move logits as they like, as long as hardly an answer changes. */
const COMPACT: ParityBars = {
  maxDifference: null,
  meanDifference: null,
  agreement: 0.995,
  accuracyDrop: 0.003,
};

/** Rows whose best two logits of the studio are as close as this have no clear answer. */
export const TIE_MARGIN = 1e-4;

export function barsOf(to: ModelFormat, precision: ExportPrecision): ParityBars {
  if (precision !== 'fp32') return COMPACT;
  if (to === 'tfjs') return TENSORFLOW_JS;
  return to === 'run' ? READ_BACK : EXACT;
}

export interface Measured {
  readonly numbers: ParityNumbers;
  readonly agreement: ParityAgreement;
  readonly tokenizer: ParityReport['tokenizer'];
}

/** In sentences; nothing when it keeps to its bars. */
export function failuresOf({ numbers, agreement, tokenizer }: Measured, bars: ParityBars): string[] {
  const failures: string[] = [];
  if (numbers.notFinite > 0) failures.push(`${numbers.notFinite} of its logits are no finite numbers.`);
  addAbove(failures, 'The largest difference of a logit', numbers.maxDifference, bars.maxDifference);
  addAbove(failures, 'The mean difference of the logits', numbers.meanDifference, bars.meanDifference);
  const share = agreementShare(agreement);
  if (share < bars.agreement)
    failures.push(
      `${agreement.differingRows} of ${agreement.rows} rows have another answer: ${percent(share)} agree, ${percent(bars.agreement)} must.`,
    );
  const drop = agreement.studioAccuracy - agreement.exportedAccuracy;
  // Answers of ties may change, and accuracy with them.
  const allowed = bars.accuracyDrop + agreement.ties.length / Math.max(1, agreement.rows);
  if (drop > allowed + Number.EPSILON)
    failures.push(`It loses ${percent(drop)} accuracy; ${percent(bars.accuracyDrop)} may be lost.`);
  if (tokenizer !== null && tokenizer.same < tokenizer.sentences)
    failures.push(
      `Its tokenizer reads ${tokenizer.sentences - tokenizer.same} of ${tokenizer.sentences} sentences otherwise.`,
    );
  return failures;
}

/** Ties are not counted against it. */
export function agreementShare({ rows, differingRows }: ParityAgreement): number {
  return rows === 0 ? 1 : 1 - differingRows / rows;
}

function addAbove(failures: string[], what: string, value: number, bar: number | null): void {
  // Not a number is above every bar.
  if (bar === null || value <= bar) return;
  failures.push(`${what} is ${value.toExponential(2)}, above ${bar.toExponential(0)}.`);
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
