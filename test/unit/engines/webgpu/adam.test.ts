/** @file Tests. Adam in place on `webgpu` against plain ops on `cpu`: many parameters, tables, clipping, odd sizes. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, expect, it } from 'vitest';
import { openEngine } from '../../../../main/engines/registry.ts';
import { type AdamSettings, type AdamVariable, updateAll } from '../../../../main/model/adam.ts';
import type { EngineName } from '../../../../shared/engines.ts';
import { dataDirectoryForTests, engineForTests } from '../../../support/enginesForTests.ts';
import { expectNear, random } from '../../../support/fusedWork.ts';
import { Inputs } from '../../../support/onEngine.ts';

beforeEach(({ skip }) => void engineForTests('webgpu', skip));

const SHAPES = [[3], [33, 7], [1], [64, 20], [5, 4], [2, 3, 4], [9], [7001], [6], [40], [8]];
const TABLES = [
  [11, 8],
  [9, 3],
];
const STEPS = 3;
const IDS = Int32Array.of(0, 3, 4, 8);

const settings = (step: number, parameter: number): AdamSettings => ({
  ...{ lr: 1e-2 / (parameter + 1), beta1: 0.9, beta2: 0.999, eps: 1e-8, step },
  weightDecay: parameter % 2 === 0 ? 0 : 0.01,
});

/** Values and moments after a few steps, of dense parameters and then of tables; every other step is scaled. */
async function stepped(engine: EngineName, seed: number): Promise<Float32Array[]> {
  const { adamVariables } = await openEngine(engine, { dataDirectory: dataDirectoryForTests() });
  const inputs = new Inputs(seed);
  const tensor = (shape: readonly number[]) => {
    const { values } = random(inputs, ...shape);
    return tf.tensor(values, [...shape]);
  };
  const variables = [...SHAPES, ...TABLES].map((shape) =>
    adamVariables(
      tensor(shape),
      tensor(shape),
      tf.tidy(() => tf.square(tensor(shape))),
    ),
  );
  const first = variables[0]!.value();
  for (let step = 1; step <= STEPS; step++)
    tf.tidy(() => {
      const updates = variables.map((variable, at) => {
        const { shape } = variable.value();
        const gradient =
          at < SHAPES.length
            ? tensor(shape)
            : { ids: IDS, rows: tensor([IDS.length, shape[1]!]) as tf.Tensor2D };
        return { variable, gradient, settings: settings(step, at) };
      });
      // Not all have a gradient in every step.
      updateAll(
        adamVariables,
        step === 2 ? updates.slice(2) : updates,
        step % 2 === 0 ? tf.tensor1d([0.25]) : null,
      );
    });
  if (engine === 'webgpu') expect(variables[0]!.value()).toBe(first);
  const read = await Promise.all(variables.map(readAll));
  for (const variable of variables) variable.dispose();
  return read.flat();
}

async function readAll(variable: AdamVariable): Promise<Float32Array[]> {
  const { first, second } = variable.moments();
  const read = await Promise.all([variable.value(), first, second].map((each) => each.data<'float32'>()));
  tf.dispose([first, second]);
  return read;
}

it('moves all parameters and their moments as plain ops do, and leaks nothing', async () => {
  const expected = await stepped('cpu', 1);
  expectNear(await stepped('webgpu', 1), expected);
  const before = tf.memory().numTensors;
  expectNear(await stepped('webgpu', 1), expected);
  expect(tf.memory().numTensors).toBe(before);
});

it('takes a table whose gradient was dense before', async () => {
  const moved = async (engine: EngineName) => {
    const { adamVariables } = await openEngine(engine, { dataDirectory: dataDirectoryForTests() });
    const inputs = new Inputs(3);
    const tensor = () => tf.tensor2d(random(inputs, 5, 4).values, [5, 4]);
    const variable = adamVariables(tensor(), tensor(), tf.ones([5, 4]));
    const gradient = tensor();
    variable.update(gradient, settings(1, 1));
    const rows = gradient.slice([0, 0], [2, 4]) as tf.Tensor2D;
    variable.updateRows({ ids: Int32Array.of(1, 4), rows }, settings(2, 1));
    const read = await readAll(variable);
    variable.dispose();
    tf.dispose([gradient, rows]);
    return read;
  };
  expectNear(await moved('webgpu'), await moved('cpu'));
});

it('carries NaN into what it updates, and refuses a gradient of another size', async () => {
  const { adamVariables } = await openEngine('webgpu', { dataDirectory: dataDirectoryForTests() });
  const variable = adamVariables(tf.zeros([4]), tf.zeros([4]), tf.zeros([4]));
  const gradient = tf.tensor1d([1, Number.NaN, Number.POSITIVE_INFINITY, 0]);
  variable.update(gradient, settings(1, 0));
  const [value, first, second] = await readAll(variable);
  expect(Array.from(value!, Number.isFinite)).toEqual([true, false, false, true]);
  expect(Array.from(first!, Number.isFinite)).toEqual([true, false, false, true]);
  expect(Array.from(second!, Number.isFinite)).toEqual([true, false, false, true]);
  expect(() => variable.update(tf.zeros([3]), settings(2, 0))).toThrow(
    'a gradient of 3 numbers instead of 4',
  );
  const table = adamVariables(tf.zeros([4, 2]), tf.zeros([4, 2]), tf.zeros([4, 2]));
  expect(() => table.updateRows({ ids: Int32Array.of(1), rows: tf.zeros([2, 2]) }, settings(1, 0))).toThrow(
    'a gradient of 4 numbers instead of 2',
  );
  tf.dispose(gradient);
  variable.dispose();
  table.dispose();
});
