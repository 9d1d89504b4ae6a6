/** @file Node. EntailCrossEntropy: the loss of each row of logits, and its gradient in the same pass. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { GROUP_INDEX } from '../dispatch.ts';
import { type Program, remembered } from '../program.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';
import { extensionsFor, groupSum, inSubgroups } from './subgroupSums.ts';
import { EXPONENTIAL, GROUP_SIZE, LOGARITHM, mainOf } from './wgsl.ts';

const BUFFERS = {
  inputs: { logits: 'f32', labels: 'i32' },
  outputs: { losses: 'f32', residuals: 'f32' },
  sizes: { rows: 'u32', classes: 'u32' },
} as const;

/** Up to so many classes a row is one invocation's work, beyond it a workgroup's. */
const NARROW_CLASSES = 64;

/** NaN and +∞ make NaN of x - max, whatever `max` says of a NaN, and so of everything that is made of it. */
const NARROW: Program = {
  ...BUFFERS,
  name: 'crossEntropy narrow',
  source: `${EXPONENTIAL}${LOGARITHM}
${mainOf()} {
  let row = ${GROUP_INDEX} * ${GROUP_SIZE}u + lane;
  if (row >= sizes.rows) { return; }
  let first = row * sizes.classes;
  var most = logits[first];
  for (var c = 1u; c < sizes.classes; c++) { most = max(most, logits[first + c]); }
  var sum = 0.0;
  for (var c = 0u; c < sizes.classes; c++) { sum += exponential(logits[first + c] - most); }
  let label = u32(labels[row]);
  losses[row] = logarithm(sum) - (logits[first + label] - most);
  for (var c = 0u; c < sizes.classes; c++) {
    residuals[first + c] = exponential(logits[first + c] - most) / sum - select(0.0, 1.0, c == label);
  }
}`,
};

export const wideCrossEntropy = remembered(
  (subgroupSize: number): Program => ({
    ...BUFFERS,
    name: `crossEntropy wide${inSubgroups(subgroupSize)}`,
    extensions: extensionsFor(subgroupSize),
    source: `${EXPONENTIAL}${LOGARITHM}
${groupSum('largest', subgroupSize, { combine: 'max(a, b)' })}
${groupSum('total', subgroupSize)}
${mainOf()} {
  let row = ${GROUP_INDEX};
  if (row >= sizes.rows) { return; }
  let first = row * sizes.classes;
  var most = logits[first];
  for (var c = lane; c < sizes.classes; c += ${GROUP_SIZE}u) { most = max(most, logits[first + c]); }
  most = largest(lane, most);
  var sum = 0.0;
  for (var c = lane; c < sizes.classes; c += ${GROUP_SIZE}u) { sum += exponential(logits[first + c] - most); }
  sum = total(lane, sum);
  let label = u32(labels[row]);
  if (lane == 0u) { losses[row] = logarithm(sum) - (logits[first + label] - most); }
  for (var c = lane; c < sizes.classes; c += ${GROUP_SIZE}u) {
    residuals[first + c] = exponential(logits[first + c] - most) / sum - select(0.0, 1.0, c == label);
  }
}`,
  }),
);

/** logits [P, C], labels [P] -> losses [P], probabilities minus targets [P, C] */
function crossEntropy(call: Call): TensorInfo[] {
  const { labels } = call.attributes as { labels: Int32Array };
  const logits = checkedInput(call, 'logits', [labels.length, null]);
  const [rows, classes] = logits.shape as [number, number];
  const losses = call.programs.empty([rows]);
  const residuals = call.programs.empty(logits.shape);
  const narrow = classes <= NARROW_CLASSES;
  call.programs.run(narrow ? NARROW : wideCrossEntropy(call.programs.subgroupSize), {
    inputs: { logits, labels },
    outputs: { losses, residuals },
    sizes: { rows, classes },
    groups: [narrow ? Math.ceil(rows / GROUP_SIZE) : rows],
  });
  return [losses, residuals];
}

export const crossEntropyKernels: KernelTable = [[KERNELS.crossEntropy, crossEntropy]];
