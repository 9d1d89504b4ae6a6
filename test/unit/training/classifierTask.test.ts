/** @file Tests. One optimizer step: the plan of micro-batches changes nothing, and each setting does what it says. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../../main/engines/registry.ts';
import type { AdamVariableFactory } from '../../../main/model/adam.ts';
import { initialValues, TOKEN_TABLE } from '../../../main/model/parameters.ts';
import type { ClassifierTask } from '../../../main/training/classifierTask.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { makeTask, PAIRS, steps } from '../../support/smallTask.ts';

const valuesOf = async (task: ClassifierTask, name: string) => (await task.get(name).data()) as Float32Array;

/** Largest difference, relative to the largest value. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let top = 0;
  let worst = 0;
  for (let index = 0; index < expected.length; index++) {
    top = Math.max(top, Math.abs(expected[index]!));
    worst = Math.max(worst, Math.abs(actual[index]! - expected[index]!));
  }
  return worst / top;
}

/** `cpu` is plain JavaScript, and the machine may have other work. */
const SLOWEST_MS = 300_000;

describe.each(['cpu', 'wasm', 'native'] as const)('a step on %s', { timeout: SLOWEST_MS }, (engine) => {
  let variables: AdamVariableFactory;
  const factory = () => variables;
  beforeEach(async ({ skip }) => {
    const dataDirectory = engineForTests(engine, skip);
    variables = (await openEngine(engine, { dataDirectory })).adamVariables;
  });

  it('is the same whether the batch is computed whole, in parts or pair by pair, with dropout', async () => {
    const whole = makeTask({ dropout: 0.3 }, factory());
    const expected = await steps(whole, 100_000);
    for (const microBatchTokens of [64, 1]) {
      const parts = makeTask({ dropout: 0.3 }, factory());
      const found = await steps(parts, microBatchTokens);
      expect(distance(found.flat(), expected.flat())).toBeLessThan(1e-5);
      for (const name of [
        TOKEN_TABLE,
        'encoder.blks.0.attention.W_q.weight',
        'output.weight',
        'encoder.pos_embedding',
      ])
        expect(distance(await valuesOf(parts, name), await valuesOf(whole, name)), name).toBeLessThan(1e-4);
      parts.dispose();
    }
    whole.dispose();
  });

  it('reports the gradient norm of the mean loss, whichever loss is differentiated', async () => {
    const [sum] = await steps(makeTask({ loss: 'sum', dropout: 0 }, factory()), 100_000, 1);
    const [mean] = await steps(makeTask({ loss: 'mean', dropout: 0 }, factory()), 100_000, 1);
    expect(distance(mean!, sum!)).toBeLessThan(1e-5);
  });

  it('clips the gradient by the norm of the mean loss, also when the loss is summed', async () => {
    // Adam hides the size of a gradient in its first step, so its first moment is looked at: 0.1 · gradient.
    const momentNorm = async (changes: Record<string, unknown>) => {
      const task = makeTask({ dropout: 0, ...changes }, factory());
      const [reading] = await steps(task, 100_000, 1);
      let squares = 0;
      for (const { name } of task.shapes)
        for (const value of (await task.moments(name)).first) squares += (value * 10) ** 2;
      return { norm: Math.sqrt(squares), reported: reading![2]! };
    };
    const free = await momentNorm({ loss: 'mean' });
    expect(distance([free.norm], [free.reported])).toBeLessThan(1e-4);
    const clipNorm = free.reported / 4;
    const clipped = await momentNorm({ loss: 'mean', clipNorm });
    expect(distance([clipped.norm], [clipNorm])).toBeLessThan(1e-4);
    const clippedSum = await momentNorm({ loss: 'sum', clipNorm });
    expect(distance([clippedSum.norm], [clipNorm * PAIRS])).toBeLessThan(1e-4);
    expect(clippedSum.reported).toBeCloseTo(free.reported, 3);
  });

  it('leaves a frozen encoder alone and trains the rest', async () => {
    const task = makeTask({ freezeEncoder: true }, factory());
    const before = await valuesOf(task, 'encoder.blks.1.ffn.dense1.weight').then((values) => values.slice());
    const table = await valuesOf(task, TOKEN_TABLE).then((values) => values.slice());
    const output = await valuesOf(task, 'output.weight').then((values) => values.slice());
    await steps(task, 100_000);
    expect(await valuesOf(task, 'encoder.blks.1.ffn.dense1.weight')).toEqual(before);
    expect(await valuesOf(task, TOKEN_TABLE)).toEqual(table);
    expect(await valuesOf(task, 'output.weight')).not.toEqual(output);
  });

  it('teaches lower layers more slowly with layer-wise decay', async () => {
    const task = makeTask({ layerDecay: 0.5, dropout: 0 }, factory());
    const moved = async (name: string) => {
      const begin = task.shapes.findIndex((shape) => shape.name === name);
      const before = initialValues(task.shapes[begin]!, begin, 1);
      const after = await valuesOf(task, name);
      return Math.max(...after.map((value, index) => Math.abs(value - before[index]!)));
    };
    await steps(task, 100_000, 1);
    // Adam's first step is lr wherever the gradient is not tiny: hidden 1, block 1 a half, block 0 a quarter of it.
    expect(await moved('hidden.0.weight')).toBeCloseTo(0.01, 5);
    expect(await moved('encoder.blks.1.ffn.dense2.weight')).toBeCloseTo(0.005, 5);
    expect(await moved('encoder.blks.0.ffn.dense2.weight')).toBeCloseTo(0.0025, 5);
    expect(await moved(TOKEN_TABLE)).toBeCloseTo(0.00125, 5);
  });

  it('leaves no tensor behind', async () => {
    const task = makeTask({ dropout: 0.2, clipNorm: 1 }, factory());
    await steps(task, 64, 1);
    const before = tf.memory().numTensors;
    await steps(task, 64, 3);
    expect(tf.memory().numTensors).toBe(before);
    task.dispose();
  });
});
