/** @file Benchmarks. Tables in Markdown whose columns stand below each other in a terminal too. */

/** The first `left` columns stand to the left, the others, figures, to the right. */
export function markdownTable(lines: readonly (readonly string[])[], left: number): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const rows = lines.map((line) =>
    line.map((cell, column) =>
      column < left ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    ),
  );
  const rule = widths.map(
    (width, column) => `${'-'.repeat(Math.max(2, width - 1))}${column < left ? '-' : ':'}`,
  );
  return [rows[0]!, rule, ...rows.slice(1)].map((row) => `| ${row.join(' | ')} |\n`).join('');
}
