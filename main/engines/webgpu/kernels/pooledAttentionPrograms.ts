/** @file Node. WGSL of attention of one query a pair and head straight on the layer's rows, forward and backward. */
import { GROUP_INDEX } from '../dispatch.ts';
import { type Program, remembered } from '../program.ts';
import {
  elementOf,
  GRADIENT_SIZES,
  gradientsOf,
  inSingle,
  numberOf,
  type Packing,
  readFour,
  storedNumber,
} from './fours.ts';
import { BLOCK_ROWS } from './layout.ts';
import {
  eachProduct,
  KEPT_WEIGHT,
  oneOfX,
  overHead,
  POOLED_SIZES,
  type PooledVariant,
  pooledHead,
  pooledMain,
  pooledName,
  weightedSums,
} from './pooledAttentionTiles.ts';
import { extensionsFor } from './subgroupSums.ts';
import { EXPONENTIAL, GROUP_SIZE, mainOf } from './wgsl.ts';

/** Columns of a workgroup of the gradient of x. */
export const BLOCK_COLUMNS = 64;
/** Heads whose weights of a block lie in workgroup memory at a time: as many numbers as there are invocations. */
const HEADS_STAGED = GROUP_SIZE / BLOCK_ROWS;

/** x [R, H], query [P, N, H] -> pooled [P, N, H + 1], saved [R · N] */
export const pooledAttentionProgram = remembered((variant: PooledVariant): Program => {
  const { packing } = variant;
  const element = elementOf(packing);
  return {
    name: pooledName('pooledAttention', variant),
    inputs: { x: element, query: elementOf(inSingle(packing)), places: 'u32' },
    outputs: { pooled: 'f32', saved: 'f32' },
    sizes: POOLED_SIZES,
    extensions: extensionsFor(variant.subgroupSize),
    source: `${pooledHead(variant, 'forward')}
${overHead('most_of_head', (a, b) => `max(${a}, ${b})`, variant)}
${EXPONENTIAL}${oneOfX(packing)}
${pooledMain(`
  ${eachProduct(packing, 'query', 'sizes.hidden', 'saved[at] = total * sizes.scale;')}
  var most = LOWEST;
  if (has_head) {
    for (var key = lane % 64u; key < length; key += 64u) { most = max(most, saved[weights_at + key]); }
  }
  most = most_of_head(lane, most);
  var divisor = 0.0;
  if (has_head) {
    for (var key = lane % 64u; key < length; key += 64u) { divisor += exponential(saved[weights_at + key] - most); }
  }
  let inverse = 1.0 / sum_of_head(lane, divisor);
  var share = 0.0;
  if (has_head) {
    for (var key = lane % 64u; key < length; key += 64u) {
      let weight = exponential(saved[weights_at + key] - most) * inverse;
      // The query is the pair's first row: element (head · T + 0) · T + key.
      let factor = factors4(pair_index, head * length * length + key).x;
      saved[weights_at + key] = select(weight, -weight, factor == 0.0);
      share += weight * factor;
    }
  }
  share = sum_of_head(lane, share);
  if (has_head && lane % 64u == 0u) {
    pooled[(pair * sizes.heads + head) * (sizes.hidden + 1u) + sizes.hidden] = share;
  }
  storageBarrier();
  ${weightedSums('pooled', '(sizes.hidden + 1u)', KEPT_WEIGHT)}`)}`,
  };
});

/**
 * dy [P, N, H + 1], x, query, saved -> slopes [R · N], the gradients of the scores of each pair [N, T] times the scale, and
 * dQuery [P, N, H].
 */
export const pooledSlopesProgram = remembered((variant: PooledVariant): Program => {
  const { packing } = variant;
  const element = elementOf(packing);
  return {
    name: pooledName('pooledSlopes', variant),
    inputs: { dy: 'f32', x: element, saved: 'f32', places: 'u32' },
    outputs: { slopes: 'f32', dQuery: 'f32' },
    sizes: POOLED_SIZES,
    extensions: extensionsFor(variant.subgroupSize),
    source: `${pooledHead(variant, 'back')}${packing === 'ones' ? readFour('dy', packing) : ''}
${oneOfX(packing)}
${pooledMain(`
  ${eachProduct(packing, 'dy', '(sizes.hidden + 1u)', 'slopes[at] = total;')}
  let of_share = dy[(pair * sizes.heads + head) * (sizes.hidden + 1u) + sizes.hidden];
  var sum = 0.0;
  if (has_head) {
    for (var key = lane % 64u; key < length; key += 64u) {
      let at = weights_at + key;
      let slope = (slopes[at] + of_share) * select(sizes.dropScale, 0.0, saved[at] < 0.0);
      slopes[at] = slope;
      sum += slope * abs(saved[at]);
    }
  }
  sum = sum_of_head(lane, sum);
  ${weightedSums('dQuery', 'sizes.hidden', 'abs(saved[at]) * sizes.scale * (slopes[at] - sum)')}
  workgroupBarrier();
  if (has_head) {
    for (var key = lane % 64u; key < length; key += 64u) {
      let at = weights_at + key;
      slopes[at] = abs(saved[at]) * sizes.scale * (slopes[at] - sum);
    }
  }`)}`,
  };
});

/** Rows of a block that an invocation has. */
const OWN_ROWS = Array.from({ length: (BLOCK_ROWS * BLOCK_COLUMNS) / GROUP_SIZE }, (_, row) => row);

/**
 * dy [P, N, H + 1], query [P, N, H], saved, slopes [R · N] -> dx [R, H]: of each row the sum over heads of its weight times
 * dy and its slope times the query. A workgroup has a block of 32 rows and 64 columns, an invocation eight rows of a column.
 */
export const pooledRowsProgram = remembered(
  ({ packing }: { readonly packing: Packing }): Program => ({
    name: `pooledRows in ${packing}`,
    inputs: { dy: 'f32', query: 'f32', saved: 'f32', slopes: 'f32', places: 'u32' },
    outputs: { dx: numberOf(packing) },
    ...gradientsOf(packing, 'dx'),
    sizes: { ...POOLED_SIZES, blocks: 'u32', ...GRADIENT_SIZES },
    source: `
var<workgroup> weights: array<f32, ${GROUP_SIZE}>; // [8 heads][32 rows]
var<workgroup> slopes_here: array<f32, ${GROUP_SIZE}>;
${mainOf()} {
  let group_index = ${GROUP_INDEX};
  let column_groups = (sizes.hidden + ${BLOCK_COLUMNS - 1}u) / ${BLOCK_COLUMNS}u;
  if (group_index >= sizes.blocks * column_groups) { return; }
  let block = sizes.pairs * 4u + group_index / column_groups * 2u;
  let pair = places[block];
  let first = places[block + 1u];
  let begin = places[pair * 4u];
  let length = places[pair * 4u + 1u];
  let column = group_index % column_groups * ${BLOCK_COLUMNS}u + lane % ${BLOCK_COLUMNS}u;
  let own = lane / ${BLOCK_COLUMNS}u * ${OWN_ROWS.length}u;
  ${OWN_ROWS.map((row) => `var sum${row} = 0.0;`).join(' ')}
  for (var first_head = 0u; first_head < sizes.heads; first_head += ${HEADS_STAGED}u) {
    workgroupBarrier();
    let staged_head = first_head + lane / ${BLOCK_ROWS}u;
    let staged_row = first + lane % ${BLOCK_ROWS}u;
    if (staged_head < sizes.heads && staged_row < length) {
      let at = begin * sizes.heads + staged_head * length + staged_row;
      weights[lane] = ${KEPT_WEIGHT};
      slopes_here[lane] = slopes[at];
    }
    workgroupBarrier();
    if (column < sizes.hidden) {
      for (var i = 0u; i < min(${HEADS_STAGED}u, sizes.heads - first_head); i++) {
        let vector = pair * sizes.heads + first_head + i;
        let up = dy[vector * (sizes.hidden + 1u) + column];
        let asked = query[vector * sizes.hidden + column];
        let at = i * ${BLOCK_ROWS}u + own;
        ${OWN_ROWS.map((row) => `sum${row} += weights[at + ${row}u] * up + slopes_here[at + ${row}u] * asked;`).join('\n')}
      }
    }
  }
  if (column >= sizes.hidden) { return; }
  ${OWN_ROWS.map(
    (row) =>
      `if (first + own + ${row}u < length) { dx[(begin + first + own + ${row}u) * sizes.hidden + column] = ${storedNumber(packing, packing === 'halves' ? `sum${row} * sizes.gradientScale` : `sum${row}`)}; }`,
  ).join('\n')}
}`,
  }),
);
