/** @file Runs anywhere. Adam and AdamW over all parameters of a network: settings per parameter, state in and out. */
import * as tf from '@tensorflow/tfjs-core';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import {
  type AdamSettings,
  type AdamVariable,
  type AdamVariableFactory,
  type SparseGradient,
  updateAll,
} from '../model/adam.ts';
import type { ParameterShape } from '../model/parameters.ts';

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPS = 1e-8;

export type OptimizerSettings = Pick<Hyperparameters, 'optimizer' | 'weightDecay' | 'layerDecay'>;

export interface OptimizerState {
  /** Parameter name -> value and both moments. */
  readonly value: Float32Array;
  readonly first: Float32Array | null;
  readonly second: Float32Array | null;
}

/** Owns the parameters' tensors: forward passes read them through `value`. */
export class Optimizer {
  readonly #variables = new Map<string, AdamVariable>();
  readonly #shapes: ReadonlyMap<string, ParameterShape>;
  readonly #settings: OptimizerSettings;
  readonly #layers: number;
  readonly #factory: AdamVariableFactory;

  constructor(
    shapes: readonly ParameterShape[],
    begin: (shape: ParameterShape, position: number) => OptimizerState,
    {
      settings,
      layers,
      factory,
    }: { settings: OptimizerSettings; layers: number; factory: AdamVariableFactory },
  ) {
    this.#shapes = new Map(shapes.map((shape) => [shape.name, shape]));
    this.#settings = settings;
    this.#layers = layers;
    this.#factory = factory;
    shapes.forEach((shape, position) => {
      const size = [...shape.shape];
      const state = begin(shape, position);
      const tensor = (values: Float32Array | null) =>
        values === null ? tf.zeros(size) : tf.tensor(values, size);
      this.#variables.set(
        shape.name,
        factory(tensor(state.value), tensor(state.first), tensor(state.second)),
      );
    });
  }

  value(name: string): tf.Tensor {
    return this.#variable(name).value();
  }

  /**
   * `step` counts from 1; `lr` is the scheduled learning rate before layer-wise decay; `scale` is a tensor of one number
   * that every gradient is multiplied by.
   */
  update(
    gradients: ReadonlyMap<string, tf.Tensor | SparseGradient>,
    { lr, step, scale = null }: { lr: number; step: number; scale?: tf.Tensor | null },
  ): void {
    const updates = Array.from(gradients, ([name, gradient]) => ({
      variable: this.#variable(name),
      gradient,
      settings: this.#settingsOf(name, lr, step),
    }));
    updateAll(this.#factory, updates, scale);
  }

  /** Copies of the moments, read from the device. */
  async moments(name: string): Promise<{ first: Float32Array; second: Float32Array }> {
    const { first, second } = this.#variable(name).moments();
    const [firstValues, secondValues] = await Promise.all([first.data(), second.data()]);
    tf.dispose([first, second]);
    return { first: firstValues as Float32Array, second: secondValues as Float32Array };
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
    this.#variables.clear();
  }

  #variable(name: string): AdamVariable {
    const variable = this.#variables.get(name);
    if (variable === undefined) throw new Error(`No parameter is called ${name}.`);
    return variable;
  }

  /** Layer-wise decay: the top layer learns at lr, each layer below slower by the factor; weights decay, biases not. */
  #settingsOf(name: string, lr: number, step: number): AdamSettings {
    const shape = this.#shapes.get(name)!;
    const { optimizer, weightDecay, layerDecay } = this.#settings;
    return {
      lr: lr * layerDecay ** (this.#layers - shape.depth),
      beta1: BETA_1,
      beta2: BETA_2,
      eps: EPS,
      step,
      weightDecay: optimizer === 'adamw' && shape.decays ? weightDecay : 0,
    };
  }
}
