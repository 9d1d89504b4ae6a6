/** @file Runs anywhere. Columns beside texts and labels that tell kinds of examples apart, so that each is judged by itself. */
import type { ColumnChoice } from './mapping.ts';

/** HANS: heuristic and subcase. MultiNLI: genre. Without case, spaces, "_" and "-". */
const GROUP_NAMES: ReadonlySet<string> = new Set(['heuristic', 'subcase', 'genre']);
/** The two development sets of MultiNLI stand in files of their own. */
const PART_IN_NAME = /(?:^|[._-])((?:mis)?matched)(?:[._-]|$)/i;

/** Which of MultiNLI's two development sets a file is. */
export const PART_GROUP = 'part';

/** Those of a table, in its order, that are not used for something else. */
export function groupColumnsOf(columns: readonly string[], choice: ColumnChoice): string[] {
  const used = new Set([choice.premise, choice.hypothesis, choice.label, choice.split]);
  return columns.filter(
    (name) => !used.has(name) && GROUP_NAMES.has(name.toLowerCase().replace(/[\s_-]/g, '')),
  );
}

/** "matched" or "mismatched"; null for other files. */
export function partInName(fileName: string): string | null {
  return PART_IN_NAME.exec(fileName)?.[1]?.toLowerCase() ?? null;
}
