/** @file Runs in the engine test's child. Adam of an engine, on given gradients, against PyTorch's. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdamSettings,
  type AdamVariable,
  type AdamVariableFactory,
  distinctIds,
} from '../model/adam.ts';
import { sumRows } from '../model/kernels/rows.ts';
import { type Compare, PARAMETER } from './comparison.ts';
import type { AdamCase, AdamFixture, GoldenRows, GoldenTensor } from './fixtures.ts';
import { valuesOf } from './networks.ts';

export interface AdamUnderTest {
  readonly factory: AdamVariableFactory;
  /** How far moments may be from PyTorch's (engineTraits.ts). */
  readonly momentTolerance: number;
}

function updateBy(variable: AdamVariable, gradient: GoldenTensor | GoldenRows, settings: AdamSettings): void {
  tf.tidy(() => {
    if ('values' in gradient) {
      variable.update(tf.tensor([...gradient.values], [...gradient.shape]), settings);
      return;
    }
    const touched = Int32Array.from(gradient.ids);
    const { ids, placesOf } = distinctIds(touched);
    const [count, width] = gradient.rows.shape as [number, number];
    const rows = tf.tensor2d([...gradient.rows.values], [count, width]);
    variable.updateRows({ ids, rows: sumRows(rows, placesOf(touched), ids.length) }, settings);
  });
}

interface Trained {
  readonly variable: AdamVariable;
  readonly name: string;
  readonly one: AdamCase;
  readonly momentTolerance: number;
}

/** Near both: PyTorch's fp32, and the truth in float64. `step` counts from 0. */
async function compareState(
  { variable, name, one, momentTolerance }: Trained,
  step: number,
  compare: Compare,
): Promise<void> {
  const { first, second } = variable.moments();
  const [value, m, v] = await Promise.all([variable.value(), first, second].map(valuesOf));
  tf.dispose([first, second]);
  for (const precision of ['fp32', 'fp64'] as const) {
    const expected = one.expected[precision][step]!;
    const told = `of ${name} after step ${step + 1}, ${precision}`;
    compare(`value ${told}`, value!, expected.parameters[name]!.values, PARAMETER);
    compare(`first moment ${told}`, m!, expected.m[name]!.values, momentTolerance);
    compare(`second moment ${told}`, v!, expected.v[name]!.values, momentTolerance);
  }
}

/** Values and moments of every parameter of a case after each of its steps. */
export async function compareAdam(
  { beta1, beta2, eps }: AdamFixture,
  one: AdamCase,
  { factory, momentTolerance, compare }: AdamUnderTest & { readonly compare: Compare },
): Promise<void> {
  for (const [name, { values, shape }] of Object.entries(one.parameters)) {
    const size = [...shape];
    const variable = factory(tf.tensor([...values], size), tf.zeros(size), tf.zeros(size));
    for (const [step, gradients] of one.gradients.entries()) {
      const { weightDecay, learningRates } = one;
      const settings = { lr: learningRates[step]!, beta1, beta2, eps, step: step + 1, weightDecay };
      updateBy(variable, gradients[name]!, settings);
      await compareState({ variable, name, one, momentTolerance }, step, compare);
    }
    variable.dispose();
  }
}
