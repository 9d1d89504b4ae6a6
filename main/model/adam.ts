/**
 * @file Runs anywhere. Adam as PyTorch defines it (Kingma and Ba, 2015; eps added after the bias correction), with
 * decoupled weight decay (Loshchilov and Hutter, 2019). An engine may bring its own in-place variables; plain ops serve
 * where it does not.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sumRows } from './kernels/rows.ts';

export interface AdamSettings {
  /** Learning rate of this parameter in this step. */
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Steps done with this one included, from 1. */
  readonly step: number;
  /** Share of the parameter, times lr, that is taken away first; 0 for plain Adam. */
  readonly weightDecay: number;
}

/** Gradient of a table: only some rows have one. */
export interface SparseGradient {
  /** [d] distinct row numbers, ascending */
  readonly ids: Int32Array;
  /** [d, W] */
  readonly rows: tf.Tensor2D;
}

/** One parameter with its moments, wherever the engine keeps them. */
export interface AdamVariable {
  /** The current value; it belongs to the variable and is valid until the next update. */
  value(): tf.Tensor;
  /** Copies of both moments, which the caller disposes: what a checkpoint stores. */
  moments(): { first: tf.Tensor; second: tf.Tensor };
  update(gradient: tf.Tensor, settings: AdamSettings): void;
  /** Every row moves, with or without a gradient, since its moments decay. */
  updateRows(gradient: SparseGradient, settings: AdamSettings): void;
  dispose(): void;
}

/** One parameter's part of a step. */
export interface AdamUpdate {
  readonly variable: AdamVariable;
  readonly gradient: tf.Tensor | SparseGradient;
  readonly settings: AdamSettings;
}

export interface AdamVariableFactory {
  /** Takes ownership of the three tensors. */
  (value: tf.Tensor, first: tf.Tensor, second: tf.Tensor): AdamVariable;
  /** A step of many variables of this factory in one call, on engines that have one. */
  readonly updateAll?: (updates: readonly AdamUpdate[], scale: tf.Tensor | null) => void;
  /** `updateAll` multiplies gradients by the scale itself; otherwise it is given none. */
  readonly scales?: boolean;
}

/**
 * A step of many variables: in one call where the engine has it, else one after another. `scale` is a tensor of one number
 * that every gradient is multiplied by.
 */
export function updateAll(
  factory: AdamVariableFactory,
  updates: readonly AdamUpdate[],
  scale: tf.Tensor | null,
): void {
  if (scale !== null && factory.scales !== true) {
    tf.tidy(() =>
      updateAll(
        factory,
        updates.map((update) => scaledBy(scale, update)),
        null,
      ),
    );
    return;
  }
  if (factory.updateAll !== undefined) {
    factory.updateAll(updates, scale);
    return;
  }
  for (const { variable, gradient, settings } of updates) {
    if (gradient instanceof tf.Tensor) variable.update(gradient, settings);
    else variable.updateRows(gradient, settings);
  }
}

function scaledBy(scale: tf.Tensor, update: AdamUpdate): AdamUpdate {
  const { gradient } = update;
  if (gradient instanceof tf.Tensor) return { ...update, gradient: tf.mul(gradient, scale) };
  return { ...update, gradient: { ids: gradient.ids, rows: tf.mul(gradient.rows, scale) } };
}

/** The numbers that every implementation needs: α / (1 - β₁ᵗ), 1 / √(1 - β₂ᵗ) and 1 - lr · decay. */
export function adamFactors(settings: AdamSettings): { stepSize: number; inverseRoot: number; keep: number } {
  const { lr, beta1, beta2, step, weightDecay } = settings;
  return {
    stepSize: lr / (1 - beta1 ** step),
    inverseRoot: 1 / Math.sqrt(1 - beta2 ** step),
    keep: 1 - lr * weightDecay,
  };
}

/** In plain tfjs ops: new tensors at every update. */
export const plainAdamVariable: AdamVariableFactory = (value, first, second) => {
  let tensors = [value, first, second].map((tensor) => tf.keep(tensor)) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const update = (gradient: tf.Tensor, settings: AdamSettings) => {
    const updated = tf.tidy(() => plainUpdate(tensors, gradient, settings).map((tensor) => tf.keep(tensor)));
    tf.dispose(tensors);
    tensors = updated as typeof tensors;
  };
  return {
    value: () => tensors[0],
    moments: () => ({ first: tf.clone(tensors[1]), second: tf.clone(tensors[2]) }),
    update,
    updateRows: ({ ids, rows }, settings) => {
      const dense = tf.tidy(() => sumRows(rows, ids, tensors[0].shape[0]!));
      update(dense, settings);
      dense.dispose();
    },
    dispose: () => tf.dispose(tensors),
  };
};

function plainUpdate(
  [value, first, second]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  gradient: tf.Tensor,
  settings: AdamSettings,
): tf.Tensor[] {
  const { beta1, beta2, eps } = settings;
  const { stepSize, inverseRoot, keep } = adamFactors(settings);
  const newFirst = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
  const newSecond = tf.add(tf.mul(second, beta2), tf.mul(tf.mul(gradient, gradient), 1 - beta2));
  const divisor = tf.add(tf.mul(tf.sqrt(newSecond), inverseRoot), eps);
  const kept = keep === 1 ? value : tf.mul(value, keep);
  return [tf.sub(kept, tf.mul(tf.div(newFirst, divisor), stepSize)), newFirst, newSecond];
}

/** Which rows of a table a batch touched: distinct ids ascending, and the places among them of any of these ids. */
export interface DistinctIds {
  readonly ids: Int32Array;
  placesOf(ids: Int32Array): Int32Array;
}

export function distinctIds(ids: Int32Array): DistinctIds {
  const places = new Int32Array(ids.reduce((most, id) => Math.max(most, id), -1) + 1);
  for (const id of ids) places[id] = 1;
  const distinct = new Int32Array(places.reduce((sum, seen) => sum + seen, 0));
  let place = 0;
  for (let id = 0; id < places.length; id++) {
    if (places[id] === 0) continue;
    distinct[place] = id;
    places[id] = place++;
  }
  return { ids: distinct, placesOf: (some) => some.map((id) => places[id]!) };
}
