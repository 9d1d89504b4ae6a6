/** @file Node. Adam in place on the wasm heap: one pass over parameter, moments and gradient. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdamSettings,
  type AdamVariable,
  type AdamVariableFactory,
  adamFactors,
} from '../../model/adam.ts';
import type { KernelModule } from './kernelModule.ts';

export function wasmAdamVariables(kernels: KernelModule): AdamVariableFactory {
  return (value, first, second): AdamVariable => {
    const tensors = [value, first, second].map((tensor) => tf.keep(tensor));
    const addresses = () => tensors.map((tensor) => kernels.address(tensor));
    return {
      value: () => value,
      moments: () => ({ first: copyOf(first), second: copyOf(second) }),
      update: (gradient, settings) => {
        const numbers = settingNumbers(settings);
        kernels.call('adam', ...addresses(), kernels.address(gradient), value.size, 1, ...numbers);
      },
      updateRows: ({ ids, rows }, settings) => {
        const [tableRows, width] = value.shape as [number, number];
        const slots = new Int32Array(tableRows).fill(-1);
        ids.forEach((id, slot) => {
          slots[id] = slot;
        });
        const { indices } = kernels.workspace(0, slots);
        const table = [...addresses(), kernels.address(rows), indices[0]!, tableRows, width];
        kernels.call('adamRows', ...table, 1, ...settingNumbers(settings));
      },
      dispose: () => tf.dispose(tensors),
    };
  };
}

/** A clone would share the memory that the next update changes. */
const copyOf = (tensor: tf.Tensor) => tf.tidy(() => tf.add(tensor, 0));

function settingNumbers(settings: AdamSettings): number[] {
  const { stepSize, inverseRoot, keep } = adamFactors(settings);
  const { beta1, beta2, eps } = settings;
  return [beta1, beta2, 1 - beta1, 1 - beta2, stepSize, inverseRoot, eps, keep];
}
