/** @file Runs in the training worker. What one optimizer step of pretraining is: gradients, clipping, Adam. */
import * as tf from '@tensorflow/tfjs-core';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import type { MaskedBatch } from '../model/maskedBatch.ts';
import { type ParameterShape, type Parameters, pretrainingShapes } from '../model/parameters.ts';
import { pretrainingGradients } from '../model/pretrainingGradients.ts';
import type { StepOptions, TaskOptions } from './classifierTask.ts';
import { added, clippingFactor, GradientSum } from './gradientSum.ts';
import { Optimizer, type OptimizerState } from './optimizer.ts';

/**
 * Device scalars of a step, [8]: what `StepReading` has (loss times pairs, next sentences told correctly, norm of the
 * gradient), then sums over the masked words (loss, told correctly, number) and over the pairs (next-sentence loss, number).
 */
export type PretrainingReading = tf.Tensor1D;

/** Figures of a micro-batch: `PretrainingGradients.sums`. */
const SUMS = 4;

export type PretrainingTaskOptions = Omit<TaskOptions, 'classWeights'>;

export class PretrainingTask implements Parameters {
  readonly shapes: readonly ParameterShape[];
  readonly #config: ModelConfig;
  readonly #hyperparameters: Hyperparameters;
  readonly #factory: AdamVariableFactory;
  #optimizer: Optimizer;

  constructor({ config, hyperparameters, factory, begin }: PretrainingTaskOptions) {
    this.#config = config;
    this.#hyperparameters = hyperparameters;
    this.#factory = factory;
    this.shapes = pretrainingShapes(config);
    this.#optimizer = this.#newOptimizer(begin);
  }

  get config(): ModelConfig {
    return this.#config;
  }

  get(name: string): tf.Tensor {
    return this.#optimizer.value(name);
  }

  moments(name: string): Promise<{ first: Float32Array; second: Float32Array }> {
    return this.#optimizer.moments(name);
  }

  /** One optimizer step over the micro-batches of a batch, as `ClassifierTask.step`. The caller disposes the reading. */
  async step(
    microBatches: readonly MaskedBatch[],
    { step, lr, betweenMicroBatches, share = null }: StepOptions,
  ): Promise<PretrainingReading> {
    const gradients = new GradientSum(microBatches);
    const maskedTotal = microBatches.reduce((sum, { maskedRows }) => sum + maskedRows.length, 0);
    const pairsTotal = microBatches.reduce((sum, { pairs }) => sum + pairs, 0);
    const { dropout, seed } = this.#hyperparameters;
    let sums: tf.Tensor1D | null = null;
    for (const [microBatch, batch] of microBatches.entries()) {
      if (share !== null && (microBatch < share.begin || microBatch >= share.end)) continue;
      const ofBatch = pretrainingGradients(this.#config, this, batch, {
        dropout: dropout === 0 ? null : { rate: dropout, seed, step, microBatch },
        ...{ maskedTotal, pairsTotal },
      });
      sums = added(sums, ofBatch.sums);
      gradients.add(ofBatch);
      await betweenMicroBatches();
    }
    if (share !== null) {
      const own = { figures: sums, count: SUMS };
      sums = await gradients.addOthers(share.exchange, own, { shapes: this.shapes, waiting: share.waiting });
    }
    return this.#apply(gradients, { sums: sums!, maskedTotal, pairsTotal, lr, step });
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
    const settings = this.#hyperparameters;
    return new Optimizer(this.shapes, begin, {
      ...{ settings, layers: this.#config.layers, factory: this.#factory },
    });
  }

  #apply(
    gradients: GradientSum,
    figures: { sums: tf.Tensor1D; maskedTotal: number; pairsTotal: number; lr: number; step: number },
  ): PretrainingReading {
    const { sums, maskedTotal, pairsTotal, lr, step } = figures;
    const { clipNorm } = this.#hyperparameters;
    const norm: tf.Tensor1D = tf.tidy(() => tf.keep(tf.reshape<tf.Rank.R1>(gradients.norm(), [1])));
    const reading = tf.tidy(() => {
      const [maskedLoss, maskedCorrect, nextLoss, nextCorrect] = [0, 1, 2, 3].map((at) =>
        tf.slice(sums, [at], [1]),
      );
      const total = tf.add(tf.mul(maskedLoss!, pairsTotal / maskedTotal), nextLoss!) as tf.Tensor1D;
      const [ofMasked, ofPairs] = [tf.tensor1d([maskedTotal]), tf.tensor1d([pairsTotal])];
      const sumsOfStep = [maskedLoss!, maskedCorrect!, ofMasked, nextLoss!, ofPairs];
      return tf.keep(tf.concat([total, nextCorrect!, norm, ...sumsOfStep]));
    });
    const scale = clipNorm > 0 ? clippingFactor(norm, clipNorm) : null;
    gradients.apply(this.#optimizer, { scale, lr, step });
    tf.dispose([sums, norm, ...(scale === null ? [] : [scale])]);
    return reading;
  }
}
