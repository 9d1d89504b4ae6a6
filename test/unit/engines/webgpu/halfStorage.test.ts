/**
 * @file Tests. What lies on the device in 16 bits and what does not: activations and their gradients do, weights are rounded once
 * until they change, answers and gradients of weights keep 32; and tfjs' own kernels are none the wiser.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { planMicroBatches } from '../../../../main/data/batches.ts';
import { openEngine } from '../../../../main/engines/registry.ts';
import { webgpuAdamVariables } from '../../../../main/engines/webgpu/adamVariables.ts';
import { programsOf } from '../../../../main/engines/webgpu/dispatch.ts';
import { halfScaleOf } from '../../../../main/engines/webgpu/halfTensors.ts';
import { choosePrecision } from '../../../../main/engines/webgpu/registerKernels.ts';
import { relativeDistance } from '../../../../main/golden/comparison.ts';
import type { AdamVariableFactory } from '../../../../main/model/adam.ts';
import { withGradientMagnitude } from '../../../../main/model/gradientMagnitude.ts';
import { microBatchGradients } from '../../../../main/model/gradients.ts';
import { linear, logitsOf } from '../../../../main/model/kernels/linear.ts';
import { gatherRows, sumRows } from '../../../../main/model/kernels/rows.ts';
import { random } from '../../../support/fusedWork.ts';
import { backendHere, halfPrecisionForTests, valuesInHalf } from '../../../support/halfPrecisionHere.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';
import { makeTask, someSplit } from '../../../support/smallTask.ts';

beforeEach(async ({ skip }) => {
  await halfPrecisionForTests(skip);
  choosePrecision(backendHere(), 'fp16');
});
afterEach(() => choosePrecision(backendHere(), 'fp32'));

const bytesInGpu = () => backendHere().memory().numBytesInGPU;

const HALF_DIGIT = 2 ** -11;

const tensorOf = (seed: number, ...shape: number[]) => {
  const { values } = random(new Inputs(seed), ...shape);
  return tf.tensor(values, shape);
};
const layerOf = (seed: number, into: number, out: number) => ({
  weight: tensorOf(seed, out, into) as tf.Tensor2D,
  bias: tensorOf(seed + 1, out) as tf.Tensor1D,
});

it('activations have 16 bits a number, answers 32', () => {
  tf.tidy(() => {
    const x = tensorOf(1, 512, 64) as tf.Tensor2D;
    const layer = layerOf(2, 64, 256);
    const warm = linear(x, layer);
    const before = bytesInGpu();
    const y = linear(x, layer);
    expect(bytesInGpu() - before).toBe(2 * 512 * 256);
    expect([warm, y].map(({ dataId }) => halfScaleOf(dataId))).toEqual([1, 1]);
    expect(halfScaleOf(logitsOf(x, layer).dataId)).toBeNull();
    expect(halfScaleOf(linear(x, layerOf(3, 64, 3)).dataId)).toBeNull();
  });
});

it('a weight is rounded once until it changes, and then anew', async () => {
  const programs = programsOf(backendHere());
  const create = webgpuAdamVariables(programs);
  const x = tensorOf(1, 8, 16) as tf.Tensor2D;
  const { weight, bias } = layerOf(2, 16, 12);
  const variable = create(weight, tf.zeros(weight.shape), tf.zeros(weight.shape));
  const dispatches = (work: () => void) => {
    const before = programs.counts.dispatches;
    work();
    return programs.counts.dispatches - before;
  };
  const run = () => linear(x, { weight: variable.value() as tf.Tensor2D, bias });
  const outputs: tf.Tensor[] = [];
  // x and the weight are rounded, and multiplied; then only multiplied.
  expect(dispatches(() => void outputs.push(run()))).toBe(3);
  expect(dispatches(() => void outputs.push(run()))).toBe(1);
  const gradient = tensorOf(3, 12, 16);
  variable.update(gradient, { lr: 0.5, beta1: 0.9, beta2: 0.999, eps: 1e-8, step: 1, weightDecay: 0 });
  expect(dispatches(() => void outputs.push(run()))).toBe(2);
  const [first, second, third] = await Promise.all(outputs.map((output) => output.data()));
  expect(second).toEqual(first);
  expect(relativeDistance(third!, first!)).toBeGreaterThan(0.05);
  const changed = await variable.value().data<'float32'>();
  const [expected] = await valuesOn('cpu', () => [
    linear(tensorOf(1, 8, 16) as tf.Tensor2D, {
      weight: tf.tensor2d(changed, [12, 16]),
      bias: layerOf(2, 16, 12).bias,
    }),
  ]);
  expect(relativeDistance(third!, expected!)).toBeLessThan(4 * HALF_DIGIT);
  tf.dispose([x, bias, gradient, ...outputs]);
  variable.dispose();
});

it("tfjs' own kernels get 32 bits, whatever the shape that they see", async () => {
  const work = () => {
    const y = linear(tensorOf(1, 6, 8) as tf.Tensor2D, layerOf(2, 8, 12));
    const heads = tf.reshape(y, [6, 4, 3]);
    return [
      ...[tf.mul(y, 2), tf.transpose(heads, [1, 0, 2]), tf.slice(heads, [1, 2, 0], [3, 1, 3])],
      ...[tf.add(y, y), tf.concat([y, y], 1), tf.square(y), tf.clone(y)],
    ];
  };
  const expected = await valuesOn('cpu', work);
  const actual = await valuesInHalf(work);
  for (const [at, values] of expected.entries())
    expect(relativeDistance(actual[at]!, values), `output ${at}`).toBeLessThan(4 * HALF_DIGIT);
});

/** Gradients of two layers and what they are added to, of a loss that is `scale` times the sum of its outputs' squares. */
function gradientsOf(scale: number): tf.Tensor[] {
  const inputs = [tensorOf(1, 40, 16), tensorOf(2, 32, 16), tensorOf(4, 16, 32)];
  const [first, second] = [tensorOf(3, 32), tensorOf(5, 16)] as tf.Tensor1D[];
  const loss = (x: tf.Tensor, one: tf.Tensor, other: tf.Tensor) => {
    const inner = linear(x as tf.Tensor2D, { weight: one as tf.Tensor2D, bias: first! }, 'gelu');
    const outer = linear(inner, { weight: other as tf.Tensor2D, bias: second! });
    return tf.mul(tf.sum(tf.square(tf.mul(outer, 0.01))), scale) as tf.Scalar;
  };
  return withGradientMagnitude(scale, () =>
    tf.grads((...given: tf.Tensor[]) => loss(given[0]!, given[1]!, given[2]!))(inputs),
  );
}

it.each([1, 2 ** -20])('gradients of a loss times %d keep their digits', async (scale) => {
  const expected = await valuesOn('cpu', () => gradientsOf(scale));
  const actual = await valuesInHalf(() => gradientsOf(scale));
  for (const [at, values] of expected.entries())
    expect(relativeDistance(actual[at]!, values), `input ${at}`).toBeLessThan(8 * HALF_DIGIT);
});

it('two ways of a gradient are added up in 16 bits', async () => {
  const halves: (number | null)[] = [];
  const work = () => {
    const layer = layerOf(2, 16, 16);
    const twice = (x: tf.Tensor) => {
      const [one, other] = [layer, layerOf(5, 16, 16)].map((each) => linear(x as tf.Tensor2D, each));
      return tf.sum(tf.mul(tf.mul(one!, other!), 2 ** -12)) as tf.Scalar;
    };
    const [gradient] = withGradientMagnitude(1 / 64, () => tf.grads(twice)([tensorOf(1, 12, 16)]));
    halves.push(halfScaleOf(gradient!.dataId));
    return [gradient!];
  };
  const [expected] = await valuesOn('cpu', work);
  const [actual] = await valuesInHalf(work);
  expect(relativeDistance(actual!, expected!)).toBeLessThan(8 * HALF_DIGIT);
  expect(halves).toEqual([null, 1024]);
});

it('what is made on the way is gone when the tensors are', () => {
  const before = bytesInGpu();
  const tensors = tf.memory().numTensors;
  for (let turn = 0; turn < 3; turn++) tf.dispose(tf.tidy(() => gradientsOf(1)));
  expect(tf.memory().numTensors).toBe(tensors);
  expect(bytesInGpu()).toBe(before);
});

it('what a pass leaves in 16 bits keeps its digits when it is used outside of it', async () => {
  const work = () => {
    const layer = layerOf(2, 16, 16);
    const loss = (x: tf.Tensor) =>
      tf.sum(tf.mul(linear(x as tf.Tensor2D, layer), tensorOf(4, 12, 16).mul(2 ** -24))) as tf.Scalar;
    const [gradient] = withGradientMagnitude(2 ** -22, () => tf.grads(loss)([tensorOf(1, 12, 16)]));
    const rows = gradient as tf.Tensor2D;
    const targets = Int32Array.from({ length: 12 }, (_, row) => row % 5);
    const inverse = new Int32Array(12).fill(3);
    return [sumRows(rows, targets, 5), gatherRows(rows, Int32Array.of(3, 12, 7), inverse)];
  };
  const expected = await valuesOn('cpu', work);
  const actual = await valuesInHalf(work);
  for (const [at, values] of expected.entries())
    expect(relativeDistance(actual[at]!, values), `output ${at}`).toBeLessThan(8 * HALF_DIGIT);
});

it('gradients of classes that weigh much are not cut', async () => {
  const batch = planMicroBatches(
    someSplit(),
    Int32Array.from({ length: 12 }, (_, pair) => pair),
    {
      microBatchTokens: 1000,
    },
  )[0]!;
  const gradients = async (adamVariables: AdamVariableFactory) => {
    const task = makeTask({ hidden: 16, feedForward: 32 }, adamVariables);
    const options = { dropout: null, lastLayer: 'first', scale: 1, freezeEncoder: false } as const;
    const found = microBatchGradients(task.config, task, batch, {
      ...options,
      ...{ classWeights: [1, 1e5, 1], labelSmoothing: 0 },
    });
    const values = await found.dense.get('encoder.blks.0.ffn.dense1.weight')!.data<'float32'>();
    tf.dispose([found.loss, found.logits, ...found.dense.values(), found.tokenRows!.gradient]);
    task.dispose();
    return values;
  };
  const { adamVariables: half } = await openEngine('webgpu', {
    ...{ dataDirectory: '', precision: 'fp16', untried: true },
  });
  const actual = await gradients(half);
  const { adamVariables: plain } = await openEngine('cpu', { dataDirectory: '' });
  const expected = await gradients(plain);
  await openEngine('webgpu', { dataDirectory: '' });
  expect(relativeDistance(actual, expected)).toBeLessThan(0.03);
});

it('what is too large for 16 bits becomes their largest number, and NaN stays NaN', async () => {
  const [values] = await valuesInHalf(() => {
    const x = tf.tensor2d([7e4, -1e9, Number.NaN, 3, 0, 0, 0, 0], [2, 4]);
    const unit = tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [4, 4]);
    return [linear(x, { weight: unit, bias: tf.tensor1d([7e4, -7e4, 0, 1]) })];
  });
  expect([...values!.subarray(4)]).toEqual([65504, -65504, 0, 1]);
  expect([...values!.subarray(0, 4)].every(Number.isNaN)).toBe(true);
});
