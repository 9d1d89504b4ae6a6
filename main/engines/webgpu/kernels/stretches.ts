/** @file Node. Which rows are added to which: tables of a sum by index, made once for each index. */

/** Rows that one invocation adds up by itself. */
export const STRETCH_ROWS = 32;

export interface Stretches {
  /** [R] rows by target, those of a target in their order */
  readonly order: Uint32Array;
  /** [count + 1] where in `order` the rows of each target begin */
  readonly begins: Uint32Array;
  /** [stretches + 1] where in `order` each stretch begins; null where no target has more rows than a stretch */
  readonly stretchBegins: Uint32Array | null;
  /** [count + 1] the first stretch of each target */
  readonly ofTargets: Uint32Array;
}

interface Made {
  readonly count: number;
  readonly stretches: Stretches;
}

const made = new WeakMap<Int32Array, Made>();

/** Row r belongs to `targets[r]`, 0 to below `count`; the array must not change afterwards. */
export function stretchesOf(targets: Int32Array, count: number): Stretches {
  const known = made.get(targets);
  if (known?.count === count) return known.stretches;
  const stretches = makeStretches(targets, count);
  made.set(targets, { count, stretches });
  return stretches;
}

function makeStretches(targets: Int32Array, count: number): Stretches {
  const begins = new Uint32Array(count + 1);
  for (const target of targets) begins[target + 1]!++;
  for (let target = 0; target < count; target++) begins[target + 1]! += begins[target]!;
  const next = begins.slice(0, count);
  const order = new Uint32Array(targets.length);
  for (let row = 0; row < targets.length; row++) order[next[targets[row]!]!++] = row;

  const ofTargets = new Uint32Array(count + 1);
  const rowsOf = (target: number) => begins[target + 1]! - begins[target]!;
  for (let target = 0; target < count; target++)
    ofTargets[target + 1] = ofTargets[target]! + Math.ceil(rowsOf(target) / STRETCH_ROWS);
  const stretchBegins = new Uint32Array(ofTargets[count]! + 1).fill(targets.length);
  let longest = 0;
  for (let target = 0; target < count; target++) {
    longest = Math.max(longest, rowsOf(target));
    for (let stretch = ofTargets[target]!; stretch < ofTargets[target + 1]!; stretch++)
      stretchBegins[stretch] = begins[target]! + (stretch - ofTargets[target]!) * STRETCH_ROWS;
  }
  return { order, begins, stretchBegins: longest > STRETCH_ROWS ? stretchBegins : null, ofTargets };
}
