/** @file Node. Adam in place on the Rust side: all parameters of a step in one call. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdamSettings,
  type AdamUpdate,
  type AdamVariable,
  type AdamVariableFactory,
  adamFactors,
  type SparseGradient,
} from '../../model/adam.ts';
import type { NativeBackend } from './backend.ts';
import type { AdamParameter } from './binding.ts';

class NativeAdamVariable implements AdamVariable {
  readonly #backend: NativeBackend;
  readonly #tensors: readonly [tf.Tensor, tf.Tensor, tf.Tensor];

  constructor(backend: NativeBackend, tensors: readonly [tf.Tensor, tf.Tensor, tf.Tensor]) {
    this.#backend = backend;
    this.#tensors = tensors;
    for (const tensor of tensors) tf.keep(tensor);
  }

  value(): tf.Tensor {
    return this.#tensors[0];
  }

  /** A clone would share the buffer that the next update changes. */
  moments(): { first: tf.Tensor; second: tf.Tensor } {
    const [, first, second] = this.#tensors;
    return { first: this.#copyOf(first), second: this.#copyOf(second) };
  }

  update(gradient: tf.Tensor, settings: AdamSettings): void {
    updateNative(this.#backend, [{ variable: this, gradient, settings }]);
  }

  updateRows(gradient: SparseGradient, settings: AdamSettings): void {
    updateNative(this.#backend, [{ variable: this, gradient, settings }]);
  }

  dispose(): void {
    tf.dispose([...this.#tensors]);
  }

  /** As the border takes it. */
  parameter(gradient: tf.Tensor | SparseGradient, settings: AdamSettings): AdamParameter {
    const [value, first, second] = this.#tensors.map((tensor) => this.#backend.handleOf(tensor));
    const { stepSize, inverseRoot, keep } = adamFactors(settings);
    const common = { value: value!, first: first!, second: second!, stepSize, inverseRoot, keep };
    if (gradient instanceof tf.Tensor) {
      this.#checkSize(gradient.size, this.value().size);
      return { ...common, gradient: this.#backend.handleOf(gradient) };
    }
    const { ids, rows } = gradient;
    this.#checkSize(rows.size, ids.length * (this.value().size / this.value().shape[0]!));
    return { ...common, gradient: this.#backend.handleOf(rows), ids };
  }

  #checkSize(given: number, wanted: number): void {
    if (given !== wanted)
      throw new Error(`Error in Adam: a gradient of ${given} numbers instead of ${wanted}.`);
  }

  #copyOf(tensor: tf.Tensor): tf.Tensor {
    const { binding } = this.#backend;
    const copy = this.#backend.tensor(binding.copy(this.#backend.handleOf(tensor)), tensor.shape);
    return tf.engine().makeTensorFromTensorInfo(copy);
  }
}

/** β₁, β₂ and ε are the same for all parameters of a step. */
function updateNative(backend: NativeBackend, updates: readonly AdamUpdate[]): void {
  const [first] = updates;
  if (first === undefined) return;
  const { beta1, beta2, eps } = first.settings;
  const parameters = updates.map(({ variable, gradient, settings }) =>
    (variable as NativeAdamVariable).parameter(gradient, settings),
  );
  backend.timed('Adam', () => backend.binding.adam(parameters, { beta1, beta2, eps }));
}

export function nativeAdamVariables(backend: NativeBackend): AdamVariableFactory {
  const create = (...tensors: [tf.Tensor, tf.Tensor, tf.Tensor]) => new NativeAdamVariable(backend, tensors);
  return Object.assign(create, {
    updateAll: (updates: readonly AdamUpdate[]) => updateNative(backend, updates),
  });
}
