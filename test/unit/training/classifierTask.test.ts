/** @file Tests. One optimizer step: the plan of micro-batches changes nothing, and each setting does what it says. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { planMicroBatches } from '../../../main/data/batches.ts';
import type { EncodedSplit } from '../../../main/data/encoding.ts';
import { registerCpu } from '../../../main/engines/cpu.ts';
import { registerWasm } from '../../../main/engines/wasm.ts';
import { type AdamVariableFactory, plainAdamVariable } from '../../../main/model/adam.ts';
import { bookConfig } from '../../../main/model/config.ts';
import { initialValues, TOKEN_TABLE } from '../../../main/model/parameters.ts';
import { PhiloxSequence } from '../../../main/model/philox.ts';
import { ClassifierTask } from '../../../main/training/classifierTask.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';

const WORDS = 37;
const PAIRS = 24;

function someSplit(): EncodedSplit {
  const sequence = new PhiloxSequence(7, 99);
  const offsets = new Int32Array(PAIRS + 1);
  for (let pair = 0; pair < PAIRS; pair++) offsets[pair + 1] = offsets[pair]! + 4 + sequence.nextBelow(12);
  const ids = Int32Array.from({ length: offsets[PAIRS]! }, () => sequence.nextBelow(WORDS));
  const labels = Int32Array.from({ length: PAIRS }, (_, pair) => pair % 3);
  return {
    pairs: PAIRS,
    ids,
    offsets,
    segmentStarts: new Int32Array(PAIRS).fill(3),
    labels,
    truncatedPairs: 0,
  };
}

const everyone = Int32Array.from({ length: PAIRS }, (_, pair) => pair);

function makeTask(
  changes: Record<string, unknown>,
  factory: AdamVariableFactory,
  classWeights: readonly number[] | null = null,
) {
  const free = { size: 'free', layers: 2, hidden: 12, heads: 2, feedForward: 20, lr: 0.01 };
  const hyperparameters = hyperparametersSchema.parse({ ...free, ...changes });
  const config = bookConfig(hyperparameters, WORDS, 3);
  const begin = (...[shape, position]: [Parameters<typeof initialValues>[0], number]) => ({
    value: initialValues(shape, position, 1),
    first: null,
    second: null,
  });
  return new ClassifierTask({ config, hyperparameters, classWeights, factory, begin });
}

async function steps(task: ClassifierTask, microBatchTokens: number, count = 3): Promise<number[][]> {
  const readings: number[][] = [];
  for (let step = 1; step <= count; step++) {
    const plan = planMicroBatches(someSplit(), everyone, { microBatchTokens });
    const reading = await task.step(plan, { step, lr: 0.01, betweenMicroBatches: async () => {} });
    readings.push([...(await reading.data())]);
    reading.dispose();
  }
  return readings;
}

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

let wasmVariables: AdamVariableFactory;
beforeAll(async () => {
  wasmVariables = await registerWasm();
});

describe.each(['cpu', 'wasm'] as const)('a step on %s', (engine) => {
  const factory = () => (engine === 'wasm' ? wasmVariables : plainAdamVariable);
  beforeAll(async () => {
    if (engine === 'cpu') await registerCpu();
    else await registerWasm();
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
