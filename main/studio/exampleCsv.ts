/** @file Runs anywhere. Analysed examples as CSV that any spreadsheet opens, and no cell of which is taken for a formula. */
import type { AnalysedExample } from '../../shared/contract/errorAnalysis.ts';
import { delimitedLine } from '../../shared/spreadsheetCell.ts';

export interface CsvSubject {
  readonly labels: readonly string[];
  /** True where an example has two sentences. */
  readonly pairs: boolean;
  readonly run: string;
  readonly other: string | null;
}

export interface ExampleCsvWriter {
  readonly header: string;
  line(example: AnalysedExample): string;
}

/** Digits that a 32-bit float holds. */
const DIGITS = 7;

export function exampleCsvWriter({ labels, pairs, run, other }: CsvSubject): ExampleCsvWriter {
  const names = (id: string) => [`${id} predicted`, ...labels.map((label) => `${id} ${label}`)];
  const header = [
    'index',
    'premise',
    ...(pairs ? ['hypothesis'] : []),
    'gold',
    ...names(run),
    ...(other === null ? [] : names(other)),
    'words',
    'negation',
    ...(pairs ? ['overlap'] : []),
  ];
  const prediction = ({ predicted, probabilities }: NonNullable<AnalysedExample['other']>) => [
    labels[predicted]!,
    ...probabilities.map(rounded),
  ];
  const line = (example: AnalysedExample): string =>
    delimitedLine(
      [
        example.index,
        example.premise,
        ...(pairs ? [example.hypothesis ?? ''] : []),
        labels[example.gold]!,
        ...prediction(example),
        ...(example.other === null ? [] : prediction(example.other)),
        example.length,
        example.negation ? 'yes' : 'no',
        ...(pairs ? [example.overlap === null ? '' : rounded(example.overlap)] : []),
      ],
      ',',
    );
  return { header: delimitedLine(header, ','), line };
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
