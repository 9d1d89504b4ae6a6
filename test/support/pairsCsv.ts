/** @file Tests. Small files of labelled pairs. */
import { writeFileSync } from 'node:fs';

export interface CsvPair {
  readonly premise: string;
  readonly hypothesis: string;
  readonly label: string;
  /** Left out: the file has no column for it, unless another row has one. */
  readonly split?: string;
}

/** Writes a CSV file with the columns premise, hypothesis, label and, when a row has one, split. */
export function writePairsCsv(path: string, pairs: readonly CsvPair[]): void {
  const withSplit = pairs.some((pair) => pair.split !== undefined);
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const rows = pairs.map((pair) => {
    const columns = [pair.premise, pair.hypothesis, pair.label];
    return (withSplit ? [...columns, pair.split ?? ''] : columns).map(quote).join(',');
  });
  const header = `premise,hypothesis,label${withSplit ? ',split' : ''}`;
  writeFileSync(path, `${[header, ...rows].join('\n')}\n`);
}

/** `count` different pairs, labels in turn. */
export function numberedPairs(count: number, labels = ['entailment', 'contradiction', 'neutral']): CsvPair[] {
  return Array.from({ length: count }, (_, at) => ({
    premise: `Person ${at} rides a horse.`,
    hypothesis: `Somebody is outside at ${at}.`,
    label: labels[at % labels.length]!,
  }));
}
