/** @file Node. EntailCountCorrect: how many rows of logits are largest at their label. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import { type Program, remembered } from '../program.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { extensionsFor, groupSum, inSubgroups } from './subgroupSums.ts';
import { GROUP_SIZE, mainOf } from './wgsl.ts';

/** Up to so many classes one workgroup reads all rows; beyond it, each row has a workgroup, and their hits are added. */
const NARROW_CLASSES = 64;

/** The first of equals counts, as in argMax; a row whose label is NaN is not right. */
const BEATS = `
fn beats(label: f32, labelPlace: u32, other: f32, place: u32) -> bool {
  return place == labelPlace || label > other || (label == other && labelPlace < place);
}`;

export const narrowCount = remembered(
  (subgroupSize: number): Program => ({
    name: `countCorrect narrow${inSubgroups(subgroupSize)}`,
    extensions: extensionsFor(subgroupSize),
    inputs: { logits: 'f32', labels: 'i32' },
    outputs: { count: 'f32' },
    sizes: { rows: 'u32', classes: 'u32' },
    source: `${BEATS}
${groupSum('total', subgroupSize)}
${mainOf()} {
  var hits = 0.0;
  for (var row = lane; row < sizes.rows; row += ${GROUP_SIZE}u) {
    let first = row * sizes.classes;
    let place = u32(labels[row]);
    let label = logits[first + place];
    var hit = true;
    for (var c = 0u; c < sizes.classes; c++) { hit = hit && beats(label, place, logits[first + c], c); }
    hits += select(0.0, 1.0, hit);
  }
  hits = total(lane, hits);
  if (lane == 0u) { count[0] = hits; }
}`,
  }),
);

export const wideCount = remembered(
  (subgroupSize: number): Program => ({
    name: `countCorrect wide${inSubgroups(subgroupSize)}`,
    extensions: extensionsFor(subgroupSize),
    inputs: { logits: 'f32', labels: 'i32' },
    outputs: { hits: 'f32' },
    sizes: { rows: 'u32', classes: 'u32' },
    source: `${BEATS}
${groupSum('least', subgroupSize, { type: 'u32', combine: 'min(a, b)' })}
${mainOf()} {
  let row = ${GROUP_INDEX};
  if (row >= sizes.rows) { return; }
  let first = row * sizes.classes;
  let place = u32(labels[row]);
  let label = logits[first + place];
  var hit = 1u;
  for (var c = lane; c < sizes.classes; c += ${GROUP_SIZE}u) {
    hit &= select(0u, 1u, beats(label, place, logits[first + c], c));
  }
  hit = least(lane, hit);
  if (lane == 0u) { hits[row] = f32(hit); }
}`,
  }),
);

export const countSum = remembered(
  (subgroupSize: number): Program => ({
    name: `countCorrect sum${inSubgroups(subgroupSize)}`,
    extensions: extensionsFor(subgroupSize),
    inputs: { hits: 'f32' },
    outputs: { count: 'f32' },
    sizes: { rows: 'u32' },
    source: `
${groupSum('total', subgroupSize)}
${mainOf()} {
  var sum = 0.0;
  for (var row = lane; row < sizes.rows; row += ${GROUP_SIZE}u) { sum += hits[row]; }
  sum = total(lane, sum);
  if (lane == 0u) { count[0] = sum; }
}`,
  }),
);

/** logits [P, C], labels [P] -> a scalar */
function countCorrect({ programs, ...call }: Call): TensorInfo {
  const { labels } = call.attributes as { labels: Int32Array };
  const logits = checkedInput({ programs, ...call }, 'logits', [labels.length, null]);
  const [rows, classes] = logits.shape as [number, number];
  const count = programs.empty([]);
  const sizes = { rows, classes };
  if (classes <= NARROW_CLASSES) {
    programs.run(narrowCount(programs.subgroupSize), {
      inputs: { logits, labels },
      outputs: { count },
      sizes,
      groups: [1],
    });
    return count;
  }
  const hits = programs.empty([rows]);
  programs.run(wideCount(programs.subgroupSize), {
    inputs: { logits, labels },
    outputs: { hits },
    sizes,
    groups: [rows],
  });
  programs.run(countSum(programs.subgroupSize), {
    inputs: { hits },
    outputs: { count },
    sizes: { rows },
    groups: [1],
  });
  programs.free(hits);
  return count;
}

export const countCorrectKernels: KernelTable = [[KERNELS.countCorrect, countCorrect]];
