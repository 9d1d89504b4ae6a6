/** @file Tests. What only the tensorflow engine does: its masks, its in-place Adam, its record. Skipped where absent. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type OpenEngine, openEngine } from '../../../main/engines/registry.ts';
import { updateAll } from '../../../main/model/adam.ts';
import type { DropoutSource } from '../../../main/model/dropout.ts';
import { addDropoutNorm, layerNorm } from '../../../main/model/kernels/addDropoutNorm.ts';
import { crossEntropy } from '../../../main/model/kernels/crossEntropy.ts';
import { rowsMask } from '../../../main/model/kernels/dropoutMask.ts';
import { gradientNorm } from '../../../main/model/kernels/gradientNorm.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { watchOps } from '../../support/watchedOps.ts';

let engine: OpenEngine | null = null;

beforeAll(async () => {
  const dataDirectory = engineForTests('tensorflow', () => {});
  engine = await openEngine('tensorflow', { dataDirectory, threads: 2 }).catch(
    (thrown: { code?: string }) => {
      if (thrown.code === 'ENGINE_MISSING') return null;
      throw thrown;
    },
  );
});

/** Every test below begins with this: it skips aloud where the engine is absent. */
function opened(skip: (reason: string) => void): OpenEngine {
  if (engine === null) engineForTests('tensorflow', skip);
  return engine!;
}

const layout = { offsets: Int32Array.of(0, 150, 301), pairIndices: Int32Array.of(1, 0) };
const source: DropoutSource = { rate: 0.2, seed: 7, step: 3, microBatch: 0 };
const WIDTH = 63; // odd numbers of elements: 16-bit words come in pairs

async function maskOf(changes: Partial<DropoutSource>, place = 1): Promise<Float32Array> {
  const mask = rowsMask(layout, WIDTH, { ...source, ...changes }, place);
  const values = (await mask.data()) as Float32Array;
  mask.dispose();
  return values;
}

describe('dropout masks on tensorflow', () => {
  it('keep 0.8 of the values and scale them by what is kept', async ({ skip }) => {
    opened(skip);
    const mask = await maskOf({});
    expect(mask.length).toBe(301 * WIDTH);
    const kept = mask.filter((value) => value !== 0);
    expect(new Set(kept).size).toBe(1);
    expect(kept[0]).toBeCloseTo(1.25, 4);
    // 18,963 draws: five standard deviations are 0.0145.
    expect(Math.abs(kept.length / mask.length - 0.8)).toBeLessThan(0.0145);
  });

  it('are the same for the same seed, step, micro-batch and place, and for no other', async ({ skip }) => {
    opened(skip);
    const first = await maskOf({});
    expect(await maskOf({})).toEqual(first);
    const others = [
      await maskOf({ seed: 8 }),
      await maskOf({ step: 4 }),
      await maskOf({ microBatch: 1 }),
      await maskOf({}, 2),
    ];
    for (const other of others) {
      const same = first.filter((value, index) => value === other[index]).length / first.length;
      expect(same).toBeGreaterThan(0.6); // 0.8² + 0.2² = 0.68 of independent masks agree
      expect(same).toBeLessThan(0.75);
    }
  });
});

describe('LayerNorm with dropout on tensorflow', () => {
  it('has the gradients of the plain ops under the same mask', async ({ skip }) => {
    opened(skip);
    const rows = layout.offsets.at(-1)!;
    const tensors = [
      tf.randomNormal([rows, WIDTH], 3, 2, 'float32', 1),
      tf.randomNormal([rows, WIDTH], 0, 1, 'float32', 2),
      tf.randomNormal([WIDTH], 1, 0.1, 'float32', 3),
      tf.randomNormal([WIDTH], 0, 0.1, 'float32', 4),
    ];
    const dy = tf.randomNormal([rows, WIDTH], 0, 1, 'float32', 5);
    type Norm = (x: tf.Tensor2D, residual: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor;
    const gradientsOf = (norm: Norm) =>
      tf.grads(norm as unknown as (...x: tf.Tensor[]) => tf.Tensor)(tensors, tf.clone(dy));
    const fused = gradientsOf((x, residual, gamma, beta) =>
      addDropoutNorm(x, residual, { gamma, beta, eps: 1e-5 }, { layout, dropout: source, place: 1 }),
    );
    const plain = gradientsOf((x, residual, gamma, beta) => {
      const sum = tf.add(tf.mul(x, rowsMask(layout, WIDTH, source, 1)), residual) as tf.Tensor2D;
      return layerNorm(sum, { gamma, beta, eps: 1e-5 });
    });
    for (const [index, gradient] of fused.entries()) {
      const distance = tf.max(tf.abs(tf.sub(gradient, plain[index]!)));
      const largest = tf.max(tf.abs(plain[index]!));
      expect((await tf.div(distance, largest).data())[0]).toBeLessThan(2e-5);
    }
  });
});

const SETTINGS = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, step: 1, weightDecay: 0 };

describe('Adam on tensorflow', () => {
  it('changes neither what a checkpoint has read nor the arrays that it began with', async ({ skip }) => {
    const { adamVariables } = opened(skip);
    const began = Float32Array.of(1, 2, 3, 4);
    const variable = adamVariables(tf.tensor2d(began, [2, 2]), tf.zeros([2, 2]), tf.zeros([2, 2]));
    const gradient = tf.ones([2, 2]);
    variable.update(gradient, SETTINGS);
    const { first, second } = variable.moments();
    const value = tf.clone(variable.value());
    const before = await Promise.all([value.data(), first.data(), second.data()]);
    variable.update(gradient, { ...SETTINGS, step: 2 });
    expect(await Promise.all([value.data(), first.data(), second.data()])).toEqual(before);
    expect(await variable.value().data()).not.toEqual(before[0]);
    expect(began).toEqual(Float32Array.of(1, 2, 3, 4));
    tf.dispose([value, first, second, gradient]);
    variable.dispose();
  });

  it('goes on bit for bit from moments that were read and given back', async ({ skip }) => {
    const { adamVariables } = opened(skip);
    const gradients = [1, 2, 3, 4].map((seed) => tf.randomNormal([50, 8], 0, 1, 'float32', seed));
    const start = tf.randomNormal([50, 8], 0, 1, 'float32', 9);
    const whole = adamVariables(tf.clone(start), tf.zeros([50, 8]), tf.zeros([50, 8]));
    let parts = adamVariables(tf.clone(start), tf.zeros([50, 8]), tf.zeros([50, 8]));
    for (const [index, gradient] of gradients.entries()) {
      whole.update(gradient, { ...SETTINGS, step: index + 1 });
      parts.update(gradient, { ...SETTINGS, step: index + 1 });
      const { first, second } = parts.moments();
      const tensors = await Promise.all(
        [parts.value(), first, second].map(async (tensor) => tf.tensor(await tensor.data(), tensor.shape)),
      );
      tf.dispose([first, second]);
      parts.dispose();
      parts = adamVariables(tensors[0]!, tensors[1]!, tensors[2]!);
    }
    expect(await parts.value().data()).toEqual(await whole.value().data());
  });

  it('holds no more tensors after many updates than after one', ({ skip }) => {
    const { adamVariables } = opened(skip);
    const variable = adamVariables(tf.ones([40, 3]), tf.zeros([40, 3]), tf.zeros([40, 3]));
    const rows = tf.ones([2, 3]) as tf.Tensor2D;
    const update = (step: number) => {
      variable.updateRows({ ids: Int32Array.of(3, 30), rows }, { ...SETTINGS, step, weightDecay: 0.01 });
      variable.value();
    };
    update(1);
    const held = tf.memory().numTensors;
    for (let step = 2; step < 6; step++) update(step);
    expect(tf.memory().numTensors).toBe(held);
    rows.dispose();
    variable.dispose();
    expect(tf.memory().numTensors).toBeLessThan(held);
  });
});

/** How often each operation runs while `work` does. */
function callsOf(work: () => void): Record<string, number> {
  const watch = watchOps(tf.backend());
  try {
    work();
  } finally {
    watch.stop();
  }
  return Object.fromEntries([...watch.ops].map(([name, { calls }]) => [name, calls]));
}

describe('operations on tensorflow', () => {
  it('are one for the cross-entropy with its gradient by the logits', ({ skip }) => {
    opened(skip);
    const logits = tf.randomNormal([5, 3], 0, 1, 'float32', 1) as tf.Tensor2D;
    const labels = Int32Array.of(0, 1, 2, 0, 1);
    const options = { classWeights: null, labelSmoothing: 0 };
    const calls = callsOf(() => {
      const losses = tf.tidy(() => crossEntropy(logits, labels, options));
      losses.dispose();
    });
    expect(calls).toEqual({ SparseSoftmaxCrossEntropyWithLogits: 1 });
    logits.dispose();
  });

  it('are one for Adam of each variable, and nothing is left of the numbers that they share', ({ skip }) => {
    const { adamVariables } = opened(skip);
    const variables = [1, 2, 3].map(() => adamVariables(tf.ones([4]), tf.zeros([4]), tf.zeros([4])));
    const gradient = tf.ones([4]);
    const updates = variables.map((variable) => ({ variable, gradient, settings: SETTINGS }));
    const before = tf.memory().numTensors;
    expect(callsOf(() => updateAll(adamVariables, updates, null))).toEqual({ ResourceApplyAdam: 3 });
    expect(tf.memory().numTensors).toBe(before);
    gradient.dispose();
    for (const variable of variables) variable.dispose();
  });

  it('are one a tensor for the norm of a gradient, which is the norm', async ({ skip }) => {
    opened(skip);
    const gradients = [tf.tensor1d([3]), tf.tensor2d([4, 12, 84], [1, 3]), tf.scalar(132)];
    let norm: tf.Scalar | null = null;
    const calls = callsOf(() => {
      norm = gradientNorm(gradients);
    });
    expect(calls).toEqual({ L2Loss: 3, AddN: 1, Mul: 1, Sqrt: 1 });
    expect((await norm!.data())[0]).toBeCloseTo(Math.hypot(3, 4, 12, 84, 132), 4);
    tf.dispose([norm!, ...gradients]);
  });
});

describe('the record of tensorflow', () => {
  it('says what changes bits', ({ skip }) => {
    const { record } = opened(skip);
    expect(record).toMatchObject({
      engine: 'tensorflow',
      threads: 2,
      versions: { tensorflow: '2.21.0', tfjs: '4.22.0' },
    });
    expect(record.pinned).toMatchObject({ threads: '2', oneDnn: '1', deterministicOps: '1' });
    expect(record.deterministic).toBe(record.device === 'cpu');
  });
});
