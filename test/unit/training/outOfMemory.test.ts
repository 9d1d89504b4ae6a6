/** @file Tests. What a person is told when memory does not suffice: by what engines say, and what there is to try. */
import { expect, it } from 'vitest';
import {
  configureWith,
  resumeWith,
  withoutMicroBatch,
  withSmallerMicroBatch,
} from '../../../main/training/outOfMemory.ts';
import { errorData, StudioError } from '../../../shared/errors.ts';

const told = (thrown: unknown, microBatchTokens = 2048, engine: 'native' | 'tensorflow' = 'native') =>
  errorData(withSmallerMicroBatch(thrown, { microBatchTokens, how: resumeWith({ runId: 'r1', engine }) }));

it.each([
  'OOM when allocating tensor with shape[13000,512] and type float\nmore lines',
  'RESOURCE_EXHAUSTED: failed to allocate memory',
  'CUDA_ERROR_OUT_OF_MEMORY: out of memory',
  'Array buffer allocation failed',
  'Error in linear: the system has no memory for 21474836480 bytes',
])('%j tells of memory, and half of the micro-batch is offered', (words) => {
  const error = told(new Error(words));
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', offer: { microBatchTokens: 1024 } });
  const sentence = words.split('\n')[0]!.replace('21474836480', '21,474,836,480');
  expect(error.message).toBe(`The memory does not suffice: ${sentence}.`);
  expect(error.nextStep).toMatch(
    /the same gradient: npx --no entail runs resume r1 --micro-batch-tokens 1024$/,
  );
});

it('an engine that says so itself keeps its sentence; other failures stay what they are', () => {
  const own = new StudioError('OUT_OF_MEMORY', 'The GPU has no room.');
  expect(told(own)).toMatchObject({ message: 'The GPU has no room.', offer: { microBatchTokens: 1024 } });
  const other = new Error('a defect');
  expect(withSmallerMicroBatch(other, { microBatchTokens: 2048, how: String })).toBe(other);
});

it('on tensorflow masks of dropout change with the micro-batch, which is said', () => {
  const { nextStep } = told(new Error('RESOURCE_EXHAUSTED'), 2048, 'tensorflow');
  expect(nextStep).toContain('the same gradient but for other masks of dropout: npx');
  expect(configureWith({ engine: 'native' })(64)).toContain('has the same gradient: 64 micro-batch tokens');
});

it('a micro-batch that cannot be halved is not offered', () => {
  const error = told(new Error('RESOURCE_EXHAUSTED'), 127);
  expect(error.offer).toBeUndefined();
  expect(error.nextStep).toContain('--max-len');
});

it('finished weights have no micro-batch to give, and nothing is said of one', () => {
  const error = errorData(withoutMicroBatch(new Error('RESOURCE_EXHAUSTED: failed to allocate memory')));
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY' });
  expect(error.nextStep).toContain('--engine');
  expect(error.nextStep).not.toContain('micro-batch');
  const other = new Error('a defect');
  expect(withoutMicroBatch(other)).toBe(other);
});
