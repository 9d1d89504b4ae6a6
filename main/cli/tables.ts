/** @file Runs anywhere. Text tables, bars and the confusion matrix. Pure functions that return lines. */
import { printable } from './terminal.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

/** Columns two spaces apart, under their titles. Cells are printed as given, with control characters made visible. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] ?? '').length)));
  return cells.map((row) =>
    columns
      .map(({ right }, index) => {
        const cell = row[index] ?? '';
        return right === true ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
      })
      .join('  ')
      .trimEnd(),
  );
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of block characters; anything above 0 shows at least the thinnest block. */
export function bar(share: number, width: number): string {
  const eighths = Math.min(width * 8, Math.max(share > 0 ? 1 : 0, Math.round(share * width * 8)));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

export interface Bar {
  readonly label: string;
  readonly count: number;
}

/** One line a bucket: label, bar, count. The longest bar belongs to the largest count. */
export function histogramLines(bars: readonly Bar[], width = 40): string[] {
  const largest = Math.max(1, ...bars.map(({ count }) => count));
  const labelWidth = Math.max(0, ...bars.map(({ label }) => label.length));
  const countWidth = String(largest).length;
  return bars.map(({ label, count }) =>
    `${label.padStart(labelWidth)}  ${String(count).padStart(countWidth)}  ${bar(count / largest, width)}`.trimEnd(),
  );
}

/** Rows are gold labels, columns are predictions. `counts[gold][predicted]`. */
export function confusionLines(labels: readonly string[], counts: readonly (readonly number[])[]): string[] {
  const columns: Column[] = [
    { title: 'gold \\ predicted' },
    ...labels.map((title) => ({ title: printable(title), right: true })),
  ];
  return tableLines(
    columns,
    counts.map((row, gold) => [labels[gold] ?? String(gold), ...row.map(String)]),
  );
}
