/** @file Runs anywhere. An evaluation by kinds of examples as text: HANS's heuristics, MultiNLI's genres. Pure functions. */
import type { GroupedAccuracy, KindAccuracy } from '../../shared/kindAccuracy.ts';
import { countText, threeDecimals } from './figures.ts';
import { tableLines } from './tables.ts';
import { printable } from './terminal.ts';

function accuracyText({ pairs, correct }: { readonly pairs: number; readonly correct: number }): string {
  return threeDecimals(pairs === 0 ? null : correct / pairs);
}

/** One table a group: accuracy of each kind, and of each kind by gold label. */
export function groupLines(groups: readonly GroupedAccuracy[], labels: readonly string[]): string[] {
  return groups.flatMap(({ group, kinds }) => {
    const columns = [
      { title: printable(group) },
      ...['accuracy', ...labels].map((title) => ({ title: printable(title), right: true })),
      { title: 'pairs', right: true },
    ];
    const rowOf = (kind: KindAccuracy) => [
      printable(kind.kind === '' ? '(none)' : kind.kind),
      accuracyText(kind),
      ...kind.byLabel.map(accuracyText),
      countText(kind.pairs),
    ];
    return ['', ...tableLines(columns, kinds.map(rowOf))];
  });
}
