/** @file Tests. Whole training on `native`: its own kernels alone, no leak, nothing from the system, the same bits. */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { planMicroBatches } from '../../../../main/data/batches.ts';
import { NativeBackend } from '../../../../main/engines/native/backend.ts';
import { type OpenEngine, openEngine } from '../../../../main/engines/registry.ts';
import { attentionWeights } from '../../../../main/model/attentionWeights.ts';
import { predictLogits } from '../../../../main/model/classifier.ts';
import type { ClassifierTask } from '../../../../main/training/classifierTask.ts';
import type { ModelConfig } from '../../../../shared/runs.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { makeTask, PAIRS, someSplit, steps } from '../../../support/smallTask.ts';

const everyone = Int32Array.from({ length: PAIRS }, (_, pair) => pair);

let opened: OpenEngine;

beforeEach(async ({ skip }) => {
  opened = await openEngine('native', { dataDirectory: engineForTests('native', skip) });
});

function backendHere(): NativeBackend {
  const backend = tf.backend();
  if (!(backend instanceof NativeBackend)) throw new Error('native is not the current backend');
  return backend;
}

async function predict(task: ClassifierTask, model: ModelConfig): Promise<Float32Array> {
  const [batch] = planMicroBatches(someSplit(), everyone, { microBatchTokens: 100_000 });
  const logits = predictLogits(model, task, batch!);
  const values = await logits.data();
  logits.dispose();
  return values as Float32Array;
}

/** Every value and moment of every parameter. */
async function stateOf(task: ClassifierTask): Promise<Float32Array[]> {
  const state: Float32Array[] = [];
  for (const { name } of task.shapes) {
    const { first, second } = await task.moments(name);
    state.push((await task.get(name).data()) as Float32Array, first, second);
  }
  return state;
}

const HUGGING_FACE = {
  variant: 'huggingface',
  activation: 'gelu',
  embeddingNorm: true,
  layerNormEps: 1e-12,
} as const;

const CONFIGURATIONS: Record<
  string,
  { changes?: Record<string, unknown>; options?: Parameters<typeof makeTask>[2] }
> = {
  "the book's": {},
  'the Hugging Face variant': { options: { model: HUGGING_FACE } },
  'a DistilBERT': {
    options: {
      model: { ...HUGGING_FACE, segments: 0, headActivation: 'relu', headDropout: true },
    },
  },
  'GELU in its tanh form': { options: { model: { activation: 'gelu_tanh' } } },
  'one layer': { changes: { layers: 1 } },
  'AdamW with clipping and decay': {
    changes: { optimizer: 'adamw', weightDecay: 0.01, clipNorm: 0.1, layerDecay: 0.9, loss: 'mean' },
  },
  'class weights and label smoothing': {
    changes: { labelSmoothing: 0.1 },
    options: { classWeights: [1, 2, 0.5] },
  },
  'a frozen encoder': { changes: { freezeEncoder: true } },
};

describe('training and evaluation', () => {
  it.each(Object.entries(CONFIGURATIONS))('of %s need no kernel of tfjs', async (_, { changes, options }) => {
    const backend = backendHere();
    backend.fallbacks.clear();
    const task = makeTask({ dropout: 0.2, ...changes }, opened.adamVariables, options);
    for (const reading of [...(await steps(task, 100_000, 2)), ...(await steps(task, 64, 2))])
      for (const figure of reading) expect(Number.isFinite(figure)).toBe(true);
    const model = { ...task.config };
    for (const value of await predict(task, model)) expect(Number.isFinite(value)).toBe(true);
    const [batch] = planMicroBatches(someSplit(), Int32Array.of(3), { microBatchTokens: 100_000 });
    attentionWeights(model, task, batch!, { layer: 0, head: 1 }).dispose();
    expect([...backend.fallbacks]).toEqual([]);
    task.dispose();
  });

  it('counts what does run on the cpu kernels', async () => {
    const backend = backendHere();
    backend.fallbacks.clear();
    const cumulated = tf.tidy(() => tf.cumsum(tf.tensor1d([1, 2, 3])));
    expect(await cumulated.data()).toEqual(Float32Array.of(1, 3, 6));
    cumulated.dispose();
    expect([...backend.fallbacks]).toEqual([['Cumsum', 1]]);
  });
});

describe('memory', () => {
  it('is after 200 steps what it was after one, and none of it is new', async () => {
    const task = makeTask({ dropout: 0.2, clipNorm: 1 }, opened.adamVariables);
    await steps(task, 64, 1);
    const { binding } = backendHere();
    const before = { tf: tf.memory(), ...binding.memory() };
    await steps(task, 64, 200);
    const after = { tf: tf.memory(), ...binding.memory() };
    for (const what of ['numTensors', 'numBytes', 'numDataBuffers'] as const)
      expect(after.tf[what], what).toBe(before.tf[what]);
    for (const what of ['buffers', 'bytes', 'systemAllocations', 'pooledBytes'] as const)
      expect(after[what], what).toBe(before[what]);
    expect(after.buffers).toBe(after.tf.numDataBuffers);
    expect(after.bytes).toBe(after.tf.numBytes);
    task.dispose();
  });

  it('is shared by tensors of the same data, and freed with the last of them', () => {
    const { binding } = backendHere();
    const before = binding.memory().buffers;
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const others = [tf.clone(x), tf.reshape(x, [3, 2]), tf.expandDims(x, 0), tf.cast(x, 'float32')];
    expect(binding.memory().buffers).toBe(before + 1);
    x.dispose();
    tf.dispose(others.slice(1));
    expect(others[0]!.dataSync()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    tf.dispose(others);
    expect(binding.memory().buffers).toBe(before);
  });

  it('holds strings and complex numbers too, and takes tensors over from another backend', async () => {
    const words = tf.tensor1d(['a', 'ü']);
    expect(await words.data()).toEqual(['a', 'ü']);
    const complex = tf.complex([1, 2], [3, 4]);
    expect(await tf.imag(complex).data()).toEqual(Float32Array.of(3, 4));
    await openEngine('cpu', { dataDirectory: '' });
    const elsewhere = tf.tensor1d([1, 2, 3]);
    await openEngine('native', { dataDirectory: '' });
    expect(await tf.add(elsewhere, 1).data()).toEqual(Float32Array.of(2, 3, 4));
    tf.dispose([words, complex, elsewhere]);
  });
});

describe('the same bits', () => {
  async function trained(threads: number): Promise<Float32Array[]> {
    const { adamVariables, record } = await openEngine('native', { dataDirectory: '', threads });
    expect(record.threads).toBe(threads);
    const wide = { hidden: 96, heads: 4, feedForward: 160 };
    const task = makeTask({ dropout: 0.2, ...wide }, adamVariables);
    const readings = await steps(task, 100_000, 4);
    const state = [
      ...(await stateOf(task)),
      await predict(task, task.config),
      Float32Array.from(readings.flat()),
    ];
    task.dispose();
    return state;
  }

  it('come from one, two and five threads', async () => {
    const expected = await trained(1);
    for (const threads of [2, 5, 2]) {
      const found = await trained(threads);
      for (const [index, values] of expected.entries())
        expect(found[index], `${threads}, ${index}`).toEqual(values);
    }
  });

  it('are told in the record of a run', () => {
    const { record } = opened;
    const { instructionSet, version, physicalCores } = backendHere().binding.describe();
    expect(record).toEqual({
      engine: 'native',
      versions: { tfjs: tf.version_core, native: version },
      device: `cpu ${instructionSet}`,
      threads: Math.min(physicalCores, availableParallelism()),
      deterministic: true,
      pinned: { instructions: instructionSet, precision: 'fp32' },
    });
  });
});
