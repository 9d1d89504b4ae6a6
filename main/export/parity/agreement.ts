/** @file Runs anywhere. Whether two models give the same answers, row by row. Pure. */
import type { ParityAgreement, ParityRow } from '../../../shared/exports.ts';

/** Rows of each kind that a report names. */
const NAMED_ROWS = 50;

export class Agreement {
  readonly #labels: readonly string[];
  readonly #tieMargin: number;
  readonly #ties: ParityRow[] = [];
  readonly #differing: ParityRow[] = [];
  #rows = 0;
  #same = 0;
  #differingRows = 0;
  #studioRight = 0;
  #exportRight = 0;

  /** @param tieMargin how close the studio's two best logits are where there is no clear answer */
  constructor(labels: readonly string[], tieMargin: number) {
    this.#labels = labels;
    this.#tieMargin = tieMargin;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Logits of one row, [C] each. */
  add(index: number, gold: number, studio: Float32Array, exported: Float32Array): void {
    const [ours, theirs] = [best(studio), best(exported)];
    this.#rows += 1;
    if (ours === gold) this.#studioRight += 1;
    if (theirs === gold) this.#exportRight += 1;
    if (ours === theirs) {
      this.#same += 1;
      return;
    }
    const second = studio.reduce((top, value, at) => (at === ours ? top : Math.max(top, value)), -Infinity);
    const margin = studio[ours]! - second;
    const labels = this.#labels;
    const row = { index, studio: labels[ours]!, exported: labels[theirs] ?? 'not a number', margin };
    if (margin <= this.#tieMargin) this.#ties.push(row);
    else {
      this.#differingRows += 1;
      if (this.#differing.length < NAMED_ROWS) this.#differing.push(row);
    }
  }

  summary(rowsInSplit: number, endedBy: ParityAgreement['endedBy']): ParityAgreement {
    const shareOf = (count: number) => (this.#rows === 0 ? 0 : count / this.#rows);
    return {
      rows: this.#rows,
      rowsInSplit,
      sameAnswer: this.#same,
      ties: this.#ties,
      differing: this.#differing,
      differingRows: this.#differingRows,
      studioAccuracy: shareOf(this.#studioRight),
      exportedAccuracy: shareOf(this.#exportRight),
      endedBy,
    };
  }
}

/** The first of the largest, as everywhere in the studio; -1 when none is a number. */
function best(logits: Float32Array): number {
  let top = -1;
  for (let at = 0; at < logits.length; at++)
    if (!Number.isNaN(logits[at]!) && (top === -1 || logits[at]! > logits[top]!)) top = at;
  return top;
}
