/** @file Runs in the page. How many curves are drawn at first, and the notice that offers the others. */

export const SHOWN_CHOICES = [10, 20, 'all'] as const;
export type ShownChoice = (typeof SHOWN_CHOICES)[number];
/** More curves in one chart are neither readable nor asked for at once. */
export const MOST_CURVES = 1000;

export interface ShownRuns<Run> {
  readonly shown: readonly Run[];
  /** Null when every run is drawn by any choice. */
  readonly notice: { readonly text: string; readonly choices: readonly ShownChoice[] } | null;
}

/** The first runs of a list that is in the order of the table; `always` (such as the baseline) are never left out. */
export function chooseShown<Run>(
  runs: readonly Run[],
  choice: ShownChoice,
  always: (run: Run) => boolean = () => false,
): ShownRuns<Run> {
  const limit = choice === 'all' ? MOST_CURVES : choice;
  const kept = runs.filter(always);
  const free = Math.max(0, limit - kept.length);
  let taken = 0;
  const shown = runs.filter((run) => always(run) || taken++ < free);
  if (runs.length <= SHOWN_CHOICES[0]) return { shown, notice: null };
  const choices = SHOWN_CHOICES.filter((one) => one === 'all' || one < runs.length);
  return { shown, notice: { text: `${shown.length} of ${runs.length} runs shown`, choices } };
}
