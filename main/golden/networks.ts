/** @file Runs in the engine test's child. From golden fixtures to the studio's own batches, parameters and gradients, and back. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import type { MicroBatchGradients } from '../model/gradients.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { ParameterSet, parameterShapes, TOKEN_TABLE } from '../model/parameters.ts';
import type { GoldenBatch, NamedTensors } from './fixtures.ts';

/** The chosen pairs of a golden batch, in the order of `chosen`; all of them in their own order if not given. */
export function packedBatch(
  golden: GoldenBatch,
  chosen = golden.lengths.map((_, pair) => pair),
): PackedBatch {
  const starts = [0];
  for (const length of golden.lengths) starts.push(starts.at(-1)! + length);
  const ids: number[] = [];
  const segments: number[] = [];
  const positions: number[] = [];
  const offsets = [0];
  for (const pair of chosen) {
    ids.push(...golden.ids.slice(starts[pair], starts[pair + 1]));
    segments.push(...golden.segments.slice(starts[pair], starts[pair + 1]));
    for (let position = 0; position < golden.lengths[pair]!; position++) positions.push(position);
    offsets.push(ids.length);
  }
  return {
    pairs: chosen.length,
    rows: ids.length,
    ids: Int32Array.from(ids),
    segments: Int32Array.from(segments),
    positions: Int32Array.from(positions),
    offsets: Int32Array.from(offsets),
    pairIndices: Int32Array.from(chosen),
    labels: Int32Array.from(chosen, (pair) => golden.labels[pair]!),
  };
}

/** Throws when the studio's names or shapes are not those of the fixture. */
export function parametersOf(
  config: ModelConfig,
  golden: NamedTensors,
  shapes = parameterShapes(config),
): ParameterSet {
  const ours = JSON.stringify(shapes.map(({ name, shape }) => [name, shape]));
  const theirs = JSON.stringify(Object.entries(golden).map(([name, { shape }]) => [name, shape]));
  if (ours !== theirs) throw new Error(`Parameters differ: ${ours} is not ${theirs}`);
  return new ParameterSet(shapes, ({ name }) => Float32Array.from(golden[name]!.values));
}

export async function valuesOf(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array;
}

/** Adds up on the host what micro-batches gave: the loss, and every gradient with the token table's as a whole. */
export class GradientSum {
  loss = 0;
  readonly logits = new Map<number, number[]>();
  readonly #sums = new Map<string, Float64Array>();
  readonly #config: ModelConfig;

  constructor(config: ModelConfig) {
    this.#config = config;
  }

  /** Takes the gradients over: their tensors are disposed. */
  async add(batch: PackedBatch, gradients: MicroBatchGradients): Promise<void> {
    const { hidden, vocabularySize, classes } = this.#config;
    this.loss += (await valuesOf(gradients.loss))[0]!;
    const logits = await valuesOf(gradients.logits);
    batch.pairIndices.forEach((pair, at) => {
      this.logits.set(pair, [...logits.subarray(at * classes, (at + 1) * classes)]);
    });
    for (const [name, tensor] of gradients.dense) {
      const values = await valuesOf(tensor);
      const sum = this.#sumOf(name, values.length);
      for (let index = 0; index < values.length; index++) sum[index]! += values[index]!;
    }
    if (gradients.tokenRows !== null) {
      const { ids, gradient } = gradients.tokenRows;
      const rows = await valuesOf(gradient);
      const table = this.#sumOf(TOKEN_TABLE, vocabularySize * hidden);
      for (let index = 0; index < rows.length; index++)
        table[ids[Math.floor(index / hidden)]! * hidden + (index % hidden)]! += rows[index]!;
    }
    for (const tensor of [gradients.loss, gradients.logits, ...gradients.dense.values()]) tensor.dispose();
    gradients.tokenRows?.gradient.dispose();
  }

  /** The gradient of a parameter, or undefined where no micro-batch had one. */
  get(name: string): Float64Array | undefined {
    return this.#sums.get(name);
  }

  #sumOf(name: string, size: number): Float64Array {
    const sum = this.#sums.get(name) ?? new Float64Array(size);
    this.#sums.set(name, sum);
    return sum;
  }
}
