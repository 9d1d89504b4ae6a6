/** @file Runs in tests. Adam of every engine, on given gradients, against PyTorch's. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, it } from 'vitest';
import {
  type AdamSettings,
  type AdamVariable,
  type AdamVariableFactory,
  distinctIds,
} from '../../main/model/adam.ts';
import { sumRows } from '../../main/model/kernels/rows.ts';
import { describeEngines, type GoldenEngine } from './engines.ts';
import { type AdamCase, expectNear, type GoldenRows, type GoldenTensor, readFixture } from './fixtures.ts';
import { valuesOf } from './networks.ts';

const TOLERANCE = 1e-6;
const { beta1, beta2, eps, cases } = readFixture('adam.json');

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
}

/** Near both: PyTorch's fp32, and the truth in float64. `step` counts from 0. */
async function checkState({ variable, name, one }: Trained, step: number, moments: number): Promise<void> {
  const { first, second } = variable.moments();
  const [value, m, v] = await Promise.all([variable.value(), first, second].map(valuesOf));
  tf.dispose([first, second]);
  for (const precision of ['fp32', 'fp64'] as const) {
    const expected = one.expected[precision][step]!;
    const told = `of ${name} after step ${step + 1}, ${precision}`;
    expectNear(`value ${told}`, value!, expected.parameters[name]!.values, TOLERANCE);
    expectNear(`first moment ${told}`, m!, expected.m[name]!.values, moments);
    expectNear(`second moment ${told}`, v!, expected.v[name]!.values, moments);
  }
}

async function checkParameter(
  name: string,
  one: AdamCase,
  factory: AdamVariableFactory,
  engine: GoldenEngine,
): Promise<void> {
  const { values, shape } = one.parameters[name]!;
  const size = [...shape];
  const variable = factory(tf.tensor([...values], size), tf.zeros(size), tf.zeros(size));
  for (const [step, gradients] of one.gradients.entries()) {
    const { weightDecay, learningRates } = one;
    const settings = { lr: learningRates[step]!, beta1, beta2, eps, step: step + 1, weightDecay };
    updateBy(variable, gradients[name]!, settings);
    await checkState({ variable, name, one }, step, engine.momentTolerance);
  }
  variable.dispose();
}

describeEngines('Adam', (engine) => {
  let factory: AdamVariableFactory;
  beforeAll(async () => {
    factory = await engine.open();
  });

  it.each(cases)('$name', async (one) => {
    for (const name of Object.keys(one.parameters)) await checkParameter(name, one, factory, engine);
  });
});
