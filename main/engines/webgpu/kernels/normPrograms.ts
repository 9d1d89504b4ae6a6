/**
 * @file Node. WGSL of LayerNorm with its dropout and residual. 32 invocations have a row, eight rows a workgroup; a row's
 * numbers stay in registers. Gradients of gamma and beta are summed over stretches of 32 rows, then over stretches, always in
 * the same order.
 */
import { GROUP_INDEX } from '../dispatch.ts';
import { type Program, remembered } from '../program.ts';
import { DROPOUT, DROPOUT_SIZES } from './dropout.ts';
import {
  elementOf,
  GRADIENT_SIZES,
  gradientsOf,
  inSingle,
  type Packing,
  readFour,
  readGradient,
  writeFour,
  writeGradient,
} from './fours.ts';
import { extensionsFor, inSubgroups, laneSum } from './subgroupSums.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

/** Invocations of a row. */
const LANES = 32;
/** Rows that a workgroup has side by side. */
const SLOTS = GROUP_SIZE / LANES;
/** Rows whose parts of the gradients of gamma and beta are added up by one workgroup. */
export const CHUNK_ROWS = 32;
/** Rows of a workgroup on the way forward. */
export const FORWARD_ROWS = SLOTS;
/** Columns of gamma and beta that a workgroup of the second pass has. */
export const PART_COLUMNS = 32;

export interface NormVariant {
  /** Vectors of a row that an invocation has. */
  readonly fours: number;
  readonly packing: Packing;
  /** LayerNorm(dropout(x) + residual); else dropout(LayerNorm(x)). */
  readonly adds: boolean;
  /** 0 where sums are taken without subgroups. */
  readonly subgroupSize: number;
}

export const foursOf = (width: number) => Math.ceil(width / (LANES * 4));

const nameOf = (name: string, { fours, packing, adds, subgroupSize }: NormVariant) =>
  `${name} ${fours} in ${packing}${adds ? ' adds' : ''}${inSubgroups(subgroupSize)}`;

/** `placed`: whether there are places, which say of each row its pair and its row of the residual. */
const SIZES = { rows: 'u32', width: 'u32', eps: 'f32', placed: 'u32', ...DROPOUT_SIZES } as const;

/** Text for each vector of a row that an invocation has. */
const eachFour = ({ fours }: NormVariant, text: (i: number) => string) =>
  Array.from({ length: fours }, (_, i) => text(i)).join('\n');

/** `row_sum(lane, value)`: the sum of the 32 values of a row's invocations, the same for all of them. */
const rowSum = (name: string, type: 'f32' | 'vec2f', { subgroupSize }: NormVariant) =>
  subgroupSize > 0
    ? laneSum(name, { type, lanes: LANES, groupSize: GROUP_SIZE, subgroupSize })
    : rowSumInMemory(name, type);

const rowSumInMemory = (name: string, type: 'f32' | 'vec2f') => `
var<workgroup> ${name}_parts: array<${type}, ${GROUP_SIZE}>;
var<workgroup> ${name}_quarters: array<${type}, ${SLOTS * 4}>;
fn ${name}(lane: u32, value: ${type}) -> ${type} {
  let slot = lane / ${LANES}u;
  ${name}_parts[lane] = value;
  workgroupBarrier();
  if (lane % ${LANES}u < 4u) {
    let begin = slot * ${LANES}u + lane % 4u * 8u;
    var sum = ${name}_parts[begin];
    for (var i = 1u; i < 8u; i++) { sum += ${name}_parts[begin + i]; }
    ${name}_quarters[slot * 4u + lane % 4u] = sum;
  }
  workgroupBarrier();
  let quarter = slot * 4u;
  return (${name}_quarters[quarter] + ${name}_quarters[quarter + 1u])
       + (${name}_quarters[quarter + 2u] + ${name}_quarters[quarter + 3u]);
}`;

/** Functions of both ways; each reads and writes its matrices by its own. */
const head = (variant: NormVariant) => `
${DROPOUT}
${readFour('x', variant.packing)}${variant.adds ? readFour('residual', variant.packing) : ''}
${readFour('gamma', inSingle(variant.packing))}
${rowSum('row_sum', 'f32', variant)}
fn column_of(lane: u32, i: u32) -> u32 { return (i * ${LANES}u + lane % ${LANES}u) * 4u; }
fn within(column: u32) -> vec4<bool> { return vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(sizes.width); }`;

/** z0, z1, … what is normalised, and factor0, factor1, … of the dropout; zeros outside of the row. */
const load = (variant: NormVariant) => `
    var place = vec4u(0u, 0u, row, 0u);
    if (sizes.placed != 0u && row < sizes.rows) { place = places[row]; }
    ${eachFour(
      variant,
      (i) => `
    let column${i} = column_of(lane, ${i}u);
    let is_in${i} = row < sizes.rows && column${i} < sizes.width;
    var z${i} = vec4f(0.0);
    var factor${i} = vec4f(0.0);
    if (is_in${i}) {
      z${i} = x_four(row * sizes.width + column${i}, sizes.width - column${i});
      factor${i} = factors4(place.x, place.y * sizes.width + column${i});
      ${variant.adds ? `z${i} = z${i} * factor${i} + residual_four(place.z * sizes.width + column${i}, sizes.width - column${i});` : ''}
    }`,
    )}`;

/** mean, inverse (1 / deviation), and normal0, normal1, …; in two passes, since numbers may lie far from 0. */
const normalise = (variant: NormVariant) => `
    let mean = row_sum(lane, ${sumOf(variant, (i) => `dot(z${i}, vec4f(1.0))`)}) / f32(sizes.width);
    ${eachFour(variant, (i) => `var normal${i} = select(vec4f(0.0), z${i} - mean, within(column${i}));`)}
    let variance = row_sum(lane, ${sumOf(variant, (i) => `dot(normal${i}, normal${i})`)}) / f32(sizes.width);
    let inverse = 1.0 / sqrt(variance + sizes.eps);
    ${eachFour(variant, (i) => `normal${i} *= inverse;`)}`;

const sumOf = ({ fours }: NormVariant, text: (i: number) => string) =>
  Array.from({ length: fours }, (_, i) => text(i)).join(' + ');

/** x [R, W], residual [R or E, W], gamma, beta [W], places [R, 4] -> y [R, W], statistics [R, 2] */
export const normProgram = remembered((variant: NormVariant): Program => {
  const { packing } = variant;
  const [element, single] = [elementOf(packing), elementOf(inSingle(packing))];
  return {
    name: nameOf('norm', variant),
    inputs: {
      ...{ x: element, gamma: single, beta: single },
      ...(variant.adds ? { residual: element } : {}),
      places: 'vec4<u32>',
    },
    outputs: { y: element, statistics: 'f32' },
    sizes: SIZES,
    extensions: extensionsFor(variant.subgroupSize),
    source: `${head(variant)}${readFour('beta', inSingle(packing))}${writeFour('y', packing)}
${mainOf()} {
    let row = ${GROUP_INDEX} * ${SLOTS}u + lane / ${LANES}u;
    ${load(variant)}
    ${normalise(variant)}
    ${eachFour(
      variant,
      (i) => `
    if (is_in${i}) {
      let left = sizes.width - column${i};
      var numbers = normal${i} * gamma_four(column${i}, left) + beta_four(column${i}, left);
      ${variant.adds ? '' : `numbers *= factor${i};`}
      y_put(row * sizes.width + column${i}, left, numbers);
    }`,
    )}
    if (row < sizes.rows && lane % ${LANES}u == 0u) {
      statistics[row * 2u] = mean;
      statistics[row * 2u + 1u] = inverse;
    }
}`,
  };
});

/**
 * dy, x [R, W], residual, gamma [W], places -> dx, dResidual [R, W] (of one that adds), parts [chunks, 2, W]. With the
 * statistics there would be nine buffers, one more than WebGPU promises: where there is a residual they are computed anew.
 */
export const normGradientProgram = remembered((variant: NormVariant): Program => {
  const { adds, packing } = variant;
  const [element, single] = [elementOf(packing), elementOf(inSingle(packing))];
  const ofRows = ['dx', ...(adds ? ['dResidual'] : [])];
  return {
    name: nameOf('normGradient', variant),
    inputs: {
      ...{ dy: element, x: element, gamma: single },
      ...(adds ? { residual: element } : { statistics: 'f32' as const }),
      places: 'vec4<u32>',
    },
    outputs: { ...Object.fromEntries(ofRows.map((name) => [name, element])), parts: single },
    ...gradientsOf(packing, 'dy', ...ofRows),
    sizes: { ...SIZES, ...GRADIENT_SIZES },
    extensions: extensionsFor(variant.subgroupSize),
    source: `${head(variant)}${readGradient('dy', packing)}
${ofRows.map((name) => writeGradient(name, packing)).join('')}${writeFour('parts', inSingle(packing))}
${rowSum('row_sums', 'vec2f', variant)}
var<workgroup> of_slots: array<vec4f, ${GROUP_SIZE}>;
${mainOf()} {
  let chunk = ${GROUP_INDEX};
  ${eachFour(variant, (i) => `var dGamma${i} = vec4f(0.0); var dBeta${i} = vec4f(0.0);`)}
  for (var step = 0u; step < ${CHUNK_ROWS / SLOTS}u; step++) {
    let row = chunk * ${CHUNK_ROWS}u + step * ${SLOTS}u + lane / ${LANES}u;
    ${load(variant)}
    ${adds ? normalise(variant) : normaliseByStatistics(variant)}
    ${eachFour(
      variant,
      (i) => `
    var up${i} = vec4f(0.0);
    if (is_in${i}) {
      let left = sizes.width - column${i};
      up${i} = dy_four(row * sizes.width + column${i}, left);
      ${adds ? '' : `up${i} *= factor${i};`}
      dGamma${i} += up${i} * normal${i};
      dBeta${i} += up${i};
      up${i} *= gamma_four(column${i}, left);
    }`,
    )}
    let sums = row_sums(lane, vec2f(${sumOf(variant, (i) => `dot(up${i}, vec4f(1.0))`)},
      ${sumOf(variant, (i) => `dot(up${i}, normal${i})`)})) / f32(sizes.width);
    ${eachFour(
      variant,
      (i) => `
    if (is_in${i}) {
      let left = sizes.width - column${i};
      let gradient${i} = (up${i} - sums.x - normal${i} * sums.y) * inverse;
      ${adds ? `dResidual_put(row * sizes.width + column${i}, left, gradient${i});` : ''}
      dx_put(row * sizes.width + column${i}, left, gradient${i}${adds ? ` * factor${i}` : ''});
    }`,
    )}
  }
  ${eachFour(variant, (i) => [`dGamma${i}`, `dBeta${i}`].map((sum, which) => addSlots(sum, which, i)).join(''))}
}`,
  };
});

const normaliseByStatistics = (variant: NormVariant) => `
    let mean = statistics[min(row, sizes.rows - 1u) * 2u];
    let inverse = statistics[min(row, sizes.rows - 1u) * 2u + 1u];
    ${eachFour(variant, (i) => `let normal${i} = select(vec4f(0.0), (z${i} - mean) * inverse, within(column${i}));`)}`;

/** Adds what the eight rows side by side came to, and writes a part. */
const addSlots = (sum: string, which: number, i: number) => `
  workgroupBarrier();
  of_slots[lane] = ${sum};
  workgroupBarrier();
  if (lane < ${LANES}u && column_of(lane, ${i}u) < sizes.width && chunk * ${CHUNK_ROWS}u < sizes.rows) {
    var whole = of_slots[lane];
    for (var slot = 1u; slot < ${SLOTS}u; slot++) { whole += of_slots[slot * ${LANES}u + lane]; }
    let column = column_of(lane, ${i}u);
    parts_put((chunk * 2u + ${which}u) * sizes.width + column, sizes.width - column, whole);
  }`;

/** parts [chunks, 2, W] -> dGamma, dBeta [W] */
export const NORM_PARTS: Program = {
  name: 'normParts',
  inputs: { parts: 'f32' },
  outputs: { dGamma: 'f32', dBeta: 'f32' },
  sizes: { chunks: 'u32', width: 'u32' },
  source: `
var<workgroup> of_slots: array<f32, ${GROUP_SIZE}>;
${mainOf()} {
  let column = ${GROUP_INDEX} * ${PART_COLUMNS}u + lane % ${PART_COLUMNS}u;
  var sum = 0.0;
  if (column < sizes.width * 2u) {
    for (var chunk = lane / ${PART_COLUMNS}u; chunk < sizes.chunks; chunk += ${SLOTS}u) {
      sum += parts[chunk * 2u * sizes.width + column];
    }
  }
  of_slots[lane] = sum;
  workgroupBarrier();
  if (lane >= ${PART_COLUMNS}u || column >= sizes.width * 2u) { return; }
  for (var slot = 1u; slot < ${SLOTS}u; slot++) { sum += of_slots[slot * ${PART_COLUMNS}u + lane]; }
  if (column < sizes.width) { dGamma[column] = sum; } else { dBeta[column - sizes.width] = sum; }
}`,
};
