/** @file Tests. Workers whose weights differ in one bit are found out, and the leader says which. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { openEngine } from '../../../../main/engines/registry.ts';
import type { Parameters } from '../../../../main/model/parameters.ts';
import { requireSameWeights } from '../../../../main/training/parallel/sameWeights.ts';
import type { DeviceName } from '../../../../shared/devices.ts';
import { crewHere, ignored } from '../../../support/crewForTests.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';

const DEVICES: readonly DeviceName[] = ['cuda:0', 'cuda:1', 'cuda:3'];

beforeAll(async () => {
  await openEngine('cpu', { dataDirectory: '' });
});

/** Two parameters, the second of which ends with `last`. */
function weights(last: number): Parameters {
  const tensors = { one: tf.tensor1d([1, 2, 3]), other: tf.tensor1d([4, last]) };
  const rest = { beginning: { kind: 'zeros' }, depth: 0, decays: false } as const;
  const shapes = Object.entries(tensors).map(([name, { shape }]) => ({ name, shape, ...rest }));
  return { shapes, get: (name) => tensors[name as keyof typeof tensors] };
}

it('nothing happens while all have the same', async () => {
  const crew = await crewHere(3, 'pipe');
  const options = { devices: DEVICES, waiting: ignored };
  await Promise.all(crew.map((exchange) => requireSameWeights(exchange, weights(5), options)));
});

it('names the devices that have others', async () => {
  const crew = await crewHere(3, 'pipe');
  const options = { devices: DEVICES, waiting: ignored };
  const errors = crew.map((exchange, rank) =>
    studioRejectionOf(requireSameWeights(exchange, weights(rank === 2 ? 5 + 2 ** -20 : 5), options)),
  );
  expect(await Promise.all(errors)).toMatchObject([
    { code: 'WEIGHTS_DIFFER', message: expect.stringContaining('on cuda:3 are no longer those on cuda:0') },
    { code: 'PARTNER_LOST' },
    { code: 'PARTNER_LOST' },
  ]);
});
