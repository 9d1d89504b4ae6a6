/** @file Runs anywhere. How often a model is right on each kind of example: HANS's heuristics, MultiNLI's genres. */

/** How many pairs of a kind are right. */
export interface KindAccuracy {
  /** Such as "lexical_overlap"; "" for examples that have none. */
  readonly kind: string;
  readonly pairs: number;
  readonly correct: number;
  /** By gold label, in the order of the data set's labels. */
  readonly byLabel: readonly { readonly label: string; readonly pairs: number; readonly correct: number }[];
}

/** An evaluation by the kinds that a column of the data set tells apart: HANS's heuristics, MultiNLI's genres. */
export interface GroupedAccuracy {
  /** The column's name. */
  readonly group: string;
  /** In the order of the data set. */
  readonly kinds: readonly KindAccuracy[];
}
