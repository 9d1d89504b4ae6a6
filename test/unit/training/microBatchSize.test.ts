/** @file Tests. The micro-batch that is taken when nobody says. */
import { expect, it } from 'vitest';
import { bookConfig } from '../../../main/model/config.ts';
import { microBatchTokensOf } from '../../../main/training/microBatchSize.ts';
import type { EngineName } from '../../../shared/engines.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';

const chosen = (changes: Record<string, unknown>, engine: EngineName = 'wasm') => {
  const hyperparameters = hyperparametersSchema.parse(changes);
  return microBatchTokensOf(hyperparameters, bookConfig(hyperparameters, 100, 3), engine);
};

it('takes a whole batch of the book, and less for larger networks', () => {
  expect(chosen({ size: 'bert.small' })).toBe(16384);
  expect(chosen({ size: 'bert.base' })).toBe(1024);
});

it('takes a larger batch in one piece on native, as long as it fits', () => {
  expect(chosen({ size: 'bert.small' }, 'native')).toBe(36864);
  expect(chosen({ size: 'bert.small' }, 'webgpu')).toBe(36864);
  expect(chosen({ size: 'bert.base' }, 'native')).toBe(1024);
});

it('takes what it is told', () => {
  expect(chosen({ size: 'bert.base', microBatchTokens: 5000 })).toBe(5000);
  expect(hyperparametersSchema.safeParse({ microBatchTokens: 63 }).success).toBe(false);
});
