/**
 * @file Node. Lines that were made lately, for pages that show the same curves again. A line is kept with the checksums of
 * the coarse blocks of its curve, and is good only as long as these are the same: what was measured since changes them.
 */
import type Database from 'better-sqlite3';
import type { SeriesLine } from '../../shared/contract/series.ts';

/** Some ten megabytes. */
const MOST_LINES = 2000;

interface KeptLine {
  readonly stamp: string;
  readonly line: SeriesLine;
}

const kept = new WeakMap<Database.Database, Map<string, KeptLine>>();

/** `stamp` tells the state of the curve, `question` everything that was asked of it. */
export function keptLine(
  connection: Database.Database,
  { question, stamp }: { readonly question: string; readonly stamp: string },
  make: () => SeriesLine,
): SeriesLine {
  const lines = kept.get(connection) ?? new Map<string, KeptLine>();
  kept.set(connection, lines);
  const known = lines.get(question);
  const line = known?.stamp === stamp ? known.line : make();
  // The one that was used last stands last.
  lines.delete(question);
  lines.set(question, { stamp, line });
  if (lines.size > MOST_LINES) lines.delete(lines.keys().next().value as string);
  return line;
}
