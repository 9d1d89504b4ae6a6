/** @file Node. EntailCrossEntropy, EntailCountCorrect, EntailGradientNorm and EntailAddKeepingRest: what a step is read by, and its sum. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { type Call, checkedInput, input, type KernelTable } from './kernel.ts';

function logitsOf(call: Call): { logits: TensorInfo; labels: Int32Array } {
  const { labels } = call.attributes as { labels: Int32Array };
  return { logits: checkedInput(call, 'logits', [labels.length, null]), labels };
}

/** logits [P, C] -> losses [P], probabilities minus targets [P, C] */
function crossEntropy(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const { logits, labels } = logitsOf(call);
  const { losses, residuals } = binding.crossEntropy(backend.handleOf(logits), labels, logits.shape[1]!);
  return [backend.tensor(losses, [labels.length]), backend.tensor(residuals, logits.shape)];
}

/** -> a scalar */
function countCorrect(call: Call): TensorInfo {
  const { backend, binding } = call;
  const { logits, labels } = logitsOf(call);
  return backend.tensor(binding.countCorrect(backend.handleOf(logits), labels, logits.shape[1]!), []);
}

/** Any tensors -> a scalar */
function gradientNorm(call: Call): TensorInfo {
  const { backend, binding } = call;
  const handles = Object.keys(call.inputs).map((name) =>
    backend.handleOf(checkedInput(call, name, input(call, name).shape)),
  );
  return backend.tensor(binding.gradientNorm(handles), []);
}

/** Tensors of one shape, or no rest -> sum + more, rest + what that rounds away */
function addKeepingRest(call: Call): TensorInfo[] {
  const { backend, binding } = call;
  const { shape } = checkedInput(call, 'sum', input(call, 'sum').shape);
  const handle = (name: string) => backend.handleOf(checkedInput(call, name, shape));
  const hasRest = call.inputs['rest'] !== undefined;
  const before = hasRest ? handle('rest') : binding.fill('float32', util.sizeFromShape(shape), 0);
  const { sum, rest } = binding.addKeepingRest(handle('sum'), before, handle('more'));
  if (!hasRest) binding.free(before);
  return [backend.tensor(sum, shape), backend.tensor(rest, shape)];
}

export const lossKernels: KernelTable = [
  [KERNELS.crossEntropy, crossEntropy],
  [KERNELS.countCorrect, countCorrect],
  [KERNELS.gradientNorm, gradientNorm],
  [KERNELS.addKeepingRest, addKeepingRest],
];
