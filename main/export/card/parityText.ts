/** @file Runs anywhere. What was compared and what came out, in words for a model card. Pure. */
import type { ParityReport } from '../../../shared/exports.ts';
import { agreementShare } from '../parity/bars.ts';

const VERDICTS: Readonly<Record<ParityReport['state'], string>> = {
  verified: '**Verified**: it gives the answers of the studio, as far as they were compared.',
  unverified: '**Unverified**: its answers were not compared with the studio to the end.',
  failed: '**Failed**: it does not give the answers of the studio. Do not use it.',
};

export function paritySection(report: ParityReport): string {
  const { state, numbers, agreement, tokenizer, failures, firstDivergence, data } = report;
  const lines = [`- The studio's answers: ${report.studioRuntime}; the export's: ${report.exportRuntime}`];
  // Where there was no data set, there were no examples either.
  if (data.contentHash !== '') lines.push(`- Examples: the ${data.split} split of ${data.dataset}`);
  if (numbers !== null) lines.push(...numberLines(numbers));
  if (agreement !== null) lines.push(...agreementLines(agreement));
  if (tokenizer !== null)
    lines.push(
      `- Tokenizer as it was written: ${tokenizer.same} of ${tokenizer.sentences} sentences give the same ids`,
    );
  if (firstDivergence !== null)
    lines.push(
      `- First place that differs: ${firstDivergence.place}, by ${short(firstDivergence.maxDifference)} where values reach ${short(firstDivergence.scale)}`,
    );
  return [VERDICTS[state], ...failures, lines.join('\n')].join('\n\n');
}

function numberLines(numbers: NonNullable<ParityReport['numbers']>): string[] {
  const { pairs, madePairs, shortestTokens, longestTokens, emptyPairs, nonAsciiPairs, batchSizes } = numbers;
  const made = madePairs === 0 ? '' : `, ${madePairs} of them made for the purpose`;
  return [
    `- Logits of ${pairs} pairs${made}: ${shortestTokens} to ${longestTokens} tokens, ${emptyPairs} with an empty text, ` +
      `${nonAsciiPairs} beyond ASCII; in batches of ${batchSizes.join(' and ')}`,
    `- Largest difference of a logit ${short(numbers.maxDifference)}, mean ${short(numbers.meanDifference)}, ${numbers.notFinite} not finite`,
  ];
}

const ENDS: Readonly<Record<NonNullable<ParityReport['agreement']>['endedBy'], string>> = {
  'all rows': 'all there are',
  'row limit': 'as many as are compared',
  'time limit': 'as many as five minutes allow',
  cancelled: 'stopped by a person',
};

function agreementLines(agreement: NonNullable<ParityReport['agreement']>): string[] {
  const { rows, rowsInSplit, ties, studioAccuracy, exportedAccuracy, endedBy } = agreement;
  const tied =
    ties.length === 0
      ? ''
      : ` (${ties.length} ties not counted: rows ${ties.map(({ index }) => index).join(', ')})`;
  return [
    `- Same answer on ${percent(agreementShare(agreement))} of ${rows} rows${tied}; of ${rowsInSplit}, ${ENDS[endedBy]}`,
    `- Accuracy on these rows: the studio ${percent(studioAccuracy)}, the export ${percent(exportedAccuracy)}`,
  ];
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const short = (value: number) => (value === 0 ? '0' : value.toExponential(1));
