/** @file Tests. What is refused before a run is made. */
import { expect, it } from 'vitest';
import { requireTrainable } from '../../../main/studio/trainable.ts';
import type { Dataset } from '../../../shared/datasets.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

const dataset = (rows: Dataset['rows']) =>
  ({ name: 'mine', labels: ['yes', 'no'], rows }) as unknown as Dataset;
const refusal = (rows: Dataset['rows'], changes: Record<string, unknown>) =>
  studioErrorOf(() => requireTrainable(dataset(rows), hyperparametersSchema.parse(changes)));

it('refuses a data set without training rows', () => {
  expect(refusal({ train: 0, dev: 5, test: 5 }, {})).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('no training split'),
  });
});

it('refuses to choose by an evaluation that cannot be made', () => {
  for (const changes of [{ keep: 'best' }, { earlyStopping: 2 }])
    expect(refusal({ train: 5, dev: 0, test: 0 }, changes)).toMatchObject({
      message: expect.stringContaining('neither a dev nor a test split'),
    });
  requireTrainable(dataset({ train: 5, dev: 0, test: 5 }), hyperparametersSchema.parse({ keep: 'best' }));
});

it('refuses class weights that are not one a class', () => {
  expect(refusal({ train: 5, dev: 0, test: 0 }, { classWeights: [1, 2, 3] })).toMatchObject({
    message: 'There are 3 class weights for 2 classes.',
    nextStep: expect.stringContaining('yes, no'),
  });
});
