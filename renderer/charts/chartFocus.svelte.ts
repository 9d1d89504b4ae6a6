/** @file Runs in the page. What several charts and a table share: the run under the pointer, and the cursor along x. */
import type { Axis } from '../../shared/contract/series.ts';

export class ChartFocus {
  /** Id of the run (or key of the group) that comes forward; the others step back. */
  highlighted: string | null = $state(null);
  /** Charts on the same axis show the cursor at the same place. */
  cursor: { readonly axis: Axis; readonly x: number } | null = $state.raw(null);
}
