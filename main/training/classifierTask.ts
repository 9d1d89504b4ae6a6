/** @file Runs in the training worker. What one optimizer step of the classifier is: gradients, clipping, Adam. */
import * as tf from '@tensorflow/tfjs-core';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import {
  type AdamVariableFactory,
  type DistinctIds,
  distinctIds,
  type SparseGradient,
} from '../model/adam.ts';
import { type MicroBatchGradients, microBatchGradients } from '../model/gradients.ts';
import { countCorrect } from '../model/kernels/crossEntropy.ts';
import { gradientNorm } from '../model/kernels/gradientNorm.ts';
import { sumRows } from '../model/kernels/rows.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { type ParameterShape, type Parameters, parameterShapes, TOKEN_TABLE } from '../model/parameters.ts';
import { Optimizer, type OptimizerState } from './optimizer.ts';

export interface TaskOptions {
  readonly config: ModelConfig;
  readonly hyperparameters: Hyperparameters;
  /** One a class, or null. */
  readonly classWeights: readonly number[] | null;
  readonly factory: AdamVariableFactory;
  /** Where each parameter begins: random, pretrained, or a checkpoint with its moments. */
  readonly begin: (shape: ParameterShape, position: number) => OptimizerState;
}

/** Device scalars of a step, [3]: summed loss, number correct, norm of the mean loss's gradient. */
export type StepReading = tf.Tensor1D;

/** The sums of a step's micro-batches. */
interface Accumulated {
  readonly dense: Map<string, tf.Tensor>;
  table: tf.Tensor2D | null;
  loss: tf.Scalar;
  correct: tf.Scalar;
}

export class ClassifierTask implements Parameters {
  readonly shapes: readonly ParameterShape[];
  readonly #options: TaskOptions;
  #optimizer: Optimizer;

  constructor(options: TaskOptions) {
    const { config, hyperparameters, factory, begin } = options;
    this.#options = options;
    this.shapes = parameterShapes(config);
    this.#optimizer = new Optimizer(this.shapes, begin, {
      settings: hyperparameters,
      layers: config.layers,
      factory,
    });
  }

  get config(): ModelConfig {
    return this.#options.config;
  }

  get(name: string): tf.Tensor {
    return this.#optimizer.value(name);
  }

  moments(name: string): Promise<{ first: Float32Array; second: Float32Array }> {
    return this.#optimizer.moments(name);
  }

  /**
   * One optimizer step over the micro-batches of a batch. `step` counts from 1, `lr` is the scheduled learning rate.
   * `betweenMicroBatches` lets the caller's messages in. The caller disposes the reading.
   */
  async step(
    microBatches: readonly PackedBatch[],
    { step, lr, betweenMicroBatches }: { step: number; lr: number; betweenMicroBatches: () => Promise<void> },
  ): Promise<StepReading> {
    const distinct = distinctIds(concatenated(microBatches));
    const divisor = this.#divisor(microBatches);
    let total: Accumulated | null = null;
    for (const [microBatch, batch] of microBatches.entries()) {
      const gradients = this.#gradients(batch, { step, microBatch, divisor });
      total = accumulate(total, gradients, { distinct, labels: batch.labels });
      await betweenMicroBatches();
    }
    return this.#apply(total!, { ids: distinct.ids, divisor, lr, step });
  }

  /** Puts other weights in place of the current ones, with their moments. */
  restore(parameter: (shape: ParameterShape) => OptimizerState): void {
    this.#optimizer.dispose();
    this.#optimizer = this.#newOptimizer(parameter);
  }

  dispose(): void {
    this.#optimizer.dispose();
  }

  #newOptimizer(begin: TaskOptions['begin']): Optimizer {
    const { config, hyperparameters, factory } = this.#options;
    return new Optimizer(this.shapes, begin, { settings: hyperparameters, layers: config.layers, factory });
  }

  /** What turns the gradient of the summed loss into that of the mean: pairs, or their weights (torch's mean). */
  #divisor(microBatches: readonly PackedBatch[]): number {
    const { classWeights } = this.#options;
    let sum = 0;
    for (const batch of microBatches) for (const label of batch.labels) sum += classWeights?.[label] ?? 1;
    return sum;
  }

  #gradients(
    batch: PackedBatch,
    { step, microBatch, divisor }: { step: number; microBatch: number; divisor: number },
  ): MicroBatchGradients {
    const { config, hyperparameters, classWeights } = this.#options;
    const { seed, dropout, loss, labelSmoothing, freezeEncoder } = hyperparameters;
    return microBatchGradients(config, this, batch, {
      dropout: dropout === 0 ? null : { rate: dropout, seed, step, microBatch },
      lastLayer: 'first',
      scale: loss === 'mean' ? 1 / divisor : 1,
      freezeEncoder,
      classWeights,
      labelSmoothing,
    });
  }

  #apply(
    total: Accumulated,
    { ids, divisor, lr, step }: { ids: Int32Array; divisor: number; lr: number; step: number },
  ): StepReading {
    const { loss, clipNorm } = this.#options.hyperparameters;
    const gradients: tf.Tensor[] = [...total.dense.values()];
    if (total.table !== null) gradients.push(total.table);
    const reading = tf.tidy(() => {
      const norm = tf.mul(gradientNorm(gradients), loss === 'mean' ? 1 : 1 / divisor) as tf.Scalar;
      return tf.keep(tf.stack([total.loss, total.correct, norm]) as tf.Tensor1D);
    });
    const scale = clipNorm > 0 ? clippingFactor(reading, clipNorm) : null;
    const scaled = <T extends tf.Tensor>(gradient: T): T =>
      scale === null ? gradient : (tf.mul(gradient, scale) as T);
    const { table } = total;
    tf.tidy(() => {
      const updates = new Map<string, tf.Tensor | SparseGradient>();
      for (const [name, gradient] of total.dense) updates.set(name, scaled(gradient));
      if (table !== null) updates.set(TOKEN_TABLE, { ids, rows: scaled(table) });
      this.#optimizer.update(updates, lr, step);
    });
    tf.dispose([...gradients, total.loss, total.correct, ...(scale === null ? [] : [scale])]);
    return reading;
  }
}

function concatenated(microBatches: readonly PackedBatch[]): Int32Array {
  const ids = new Int32Array(microBatches.reduce((sum, batch) => sum + batch.rows, 0));
  let row = 0;
  for (const batch of microBatches) {
    ids.set(batch.ids, row);
    row += batch.rows;
  }
  return ids;
}

/** Adds a micro-batch to the sums; the order is that of the plan, so sums are the same every time. */
function accumulate(
  total: Accumulated | null,
  gradients: MicroBatchGradients,
  { distinct, labels }: { distinct: DistinctIds; labels: Int32Array },
): Accumulated {
  const correct = tf.tidy(() => countCorrect(gradients.logits, labels));
  const { tokenRows } = gradients;
  const table =
    tokenRows === null
      ? null
      : tf.tidy(() => sumRows(tokenRows.gradient, distinct.placesOf(tokenRows.ids), distinct.ids.length));
  tf.dispose([gradients.logits, ...(tokenRows === null ? [] : [tokenRows.gradient])]);
  if (total === null) return { dense: new Map(gradients.dense), table, loss: gradients.loss, correct };
  const added = <T extends tf.Tensor>(sum: T, more: T): T => {
    const result = tf.add(sum, more) as T;
    tf.dispose([sum, more]);
    return result;
  };
  for (const [name, gradient] of gradients.dense)
    total.dense.set(name, added(total.dense.get(name)!, gradient));
  if (table !== null) total.table = added(total.table!, table);
  total.loss = added(total.loss, gradients.loss);
  total.correct = added(total.correct, correct);
  return total;
}

/** min(1, clip / norm), computed where the gradients are: nothing waits for JavaScript. */
function clippingFactor(reading: StepReading, clipNorm: number): tf.Tensor {
  return tf.tidy(() => tf.minimum(1, tf.div(clipNorm, tf.add(tf.slice(reading, [2], [1]), 1e-6))));
}
