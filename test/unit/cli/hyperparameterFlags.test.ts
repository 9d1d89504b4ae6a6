/** @file Tests. Words of the command line to hyperparameters: ranges, forms of numbers, contradictions. */
import { describe, expect, it } from 'vitest';
import { flagName, hyperparametersFrom } from '../../../main/cli/hyperparameterFlags.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

const refusal = (options: Record<string, unknown>) =>
  studioErrorOf(() => hyperparametersFrom(options)).message;

describe('hyperparametersFrom', () => {
  it('gives the defaults when nothing was said', () => {
    expect(hyperparametersFrom({})).toEqual(hyperparametersSchema.parse({}));
  });

  it('reads every form of number, words, switches and class weights', () => {
    const given = {
      lr: '5e-5',
      epochs: '3',
      dropout: '.1',
      optimizer: 'adamw',
      freezeEncoder: true,
      classWeights: '1,2.5,3',
      clipNorm: '1.',
    };
    expect(hyperparametersFrom(given)).toMatchObject({
      ...{
        lr: 5e-5,
        epochs: 3,
        dropout: 0.1,
        optimizer: 'adamw',
        freezeEncoder: true,
        classWeights: [1, 2.5, 3],
        clipNorm: 1,
      },
    });
  });

  it.each([
    ['lr', 'NaN'],
    ['lr', 'Infinity'],
    ['lr', '0'],
    ['lr', '-1'],
    ['lr', '0x10'],
    ['lr', ''],
    ['epochs', '2.5'],
    ['epochs', '1e99'],
    ['batchSize', '0'],
    ['dropout', '1'],
    ['size', 'huge'],
    ['classWeights', '1,-2'],
    ['seed', '4294967296'],
  ])('refuses %s %s, naming flag and range', (name, words) => {
    const message = refusal({ [name]: words });
    expect(message).toContain(`--${flagName(name)} must be `);
    expect(message).toContain(`"${words}"`);
  });

  it('ignores words that are no hyperparameters, and what an object inherits', () => {
    expect(hyperparametersFrom(Object.create({ epochs: '7' }))).toMatchObject({ epochs: 5 });
    expect(hyperparametersFrom({ dataset: 'x', toString: 'y' })).toEqual(hyperparametersSchema.parse({}));
  });

  it('refuses what contradicts itself', () => {
    expect(refusal({ layers: '3' })).toContain('--layers counts only with --size free');
    expect(refusal({ size: 'free', hidden: '10', heads: '4' })).toContain('not a multiple of --heads 4');
    expect(refusal({ weightDecay: '0.1' })).toContain('--optimizer adamw');
  });
});
