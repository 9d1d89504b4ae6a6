/** @file Runs in the training worker. What one optimizer step of the classifier is: gradients, clipping, Adam. */
import * as tf from '@tensorflow/tfjs-core';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { type MicroBatchGradients, microBatchGradients, trainsParameter } from '../model/gradients.ts';
import { countCorrect } from '../model/kernels/crossEntropy.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { type ParameterShape, type Parameters, parameterShapes } from '../model/parameters.ts';
import { added, clippingFactor, GradientSum } from './gradientSum.ts';
import { Optimizer, type OptimizerState } from './optimizer.ts';
import type { CrewShare } from './parallel/gradientExchange.ts';

export interface TaskOptions {
  readonly config: ModelConfig;
  readonly hyperparameters: Hyperparameters;
  /** One a class, or null. */
  readonly classWeights: readonly number[] | null;
  readonly factory: AdamVariableFactory;
  /** Where each parameter begins: random, pretrained, or a checkpoint with its moments. */
  readonly begin: (shape: ParameterShape, position: number) => OptimizerState;
}

/** How a step is made; `betweenMicroBatches` lets the caller's messages in. */
export interface StepOptions {
  /** From 1. */
  readonly step: number;
  /** The scheduled learning rate. */
  readonly lr: number;
  readonly betweenMicroBatches: () => Promise<void>;
  /** Which micro-batches this worker computes, where several train the run together. */
  readonly share?: CrewShare | null;
}

/** Device scalars of a step, [3]: summed loss, number correct, norm of the mean loss's gradient. */
export type StepReading = tf.Tensor1D;

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
   * One optimizer step over the micro-batches of a batch: with a share, each worker passes all of them and makes the same
   * step. The caller disposes the reading.
   */
  async step(
    microBatches: readonly PackedBatch[],
    { step, lr, betweenMicroBatches, share = null }: StepOptions,
  ): Promise<StepReading> {
    const gradients = new GradientSum(microBatches);
    const divisor = this.#divisor(microBatches);
    let loss: tf.Scalar | null = null;
    let correct: tf.Scalar | null = null;
    for (const [microBatch, batch] of microBatches.entries()) {
      if (share !== null && (microBatch < share.begin || microBatch >= share.end)) continue;
      const ofBatch = this.#gradients(batch, { step, microBatch, divisor });
      correct = added(
        correct,
        tf.tidy(() => countCorrect(ofBatch.logits, batch.labels)),
      );
      ofBatch.logits.dispose();
      loss = added(loss, ofBatch.loss);
      gradients.add(ofBatch);
      await betweenMicroBatches();
    }
    const own = loss === null || correct === null ? null : (tf.stack([loss, correct]) as tf.Tensor1D);
    tf.dispose([loss, correct].flatMap((one) => one ?? []));
    const figures = share === null ? own! : await this.#addOthers(gradients, own, share);
    return this.#apply(gradients, { figures, divisor, lr, step });
  }

  /** Puts other weights in place of the current ones, with their moments. */
  restore(parameter: (shape: ParameterShape) => OptimizerState): void {
    this.#optimizer.dispose();
    this.#optimizer = this.#newOptimizer(parameter);
  }

  dispose(): void {
    this.#optimizer.dispose();
  }

  #addOthers(
    gradients: GradientSum,
    figures: tf.Tensor1D | null,
    { exchange, waiting }: CrewShare,
  ): Promise<tf.Tensor1D> {
    const { freezeEncoder } = this.#options.hyperparameters;
    const shapes = this.shapes.filter(({ name }) => trainsParameter(name, freezeEncoder));
    return gradients.addOthers(exchange, { figures, count: 2 }, { shapes, waiting });
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
    gradients: GradientSum,
    { figures, ...place }: { figures: tf.Tensor1D; divisor: number; lr: number; step: number },
  ): StepReading {
    const { divisor, lr, step } = place;
    const { hyperparameters } = this.#options;
    const { clipNorm } = hyperparameters;
    const reading = tf.tidy(() => {
      const norm = tf.mul(gradients.norm(), hyperparameters.loss === 'mean' ? 1 : 1 / divisor) as tf.Scalar;
      return tf.keep(tf.concat([figures, tf.reshape<tf.Rank.R1>(norm, [1])]));
    });
    const norm = tf.slice(reading, [2], [1]);
    const scale = clipNorm > 0 ? clippingFactor(norm, clipNorm) : null;
    gradients.apply(this.#optimizer, { scale, lr, step });
    tf.dispose([figures, norm, ...(scale === null ? [] : [scale])]);
    return reading;
  }
}
