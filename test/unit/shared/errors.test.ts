/** @file Tests. Errors as data: whatever is thrown becomes some, and what is data already stays what it is. */
import { expect, it } from 'vitest';
import { errorData, errorFromData, StudioError } from '../../../shared/errors.ts';

it('keeps what was data before it was thrown, as the failure of a job or a run', () => {
  const data = new StudioError('DISK_FULL', 'It is full.', { nextStep: 'Make room.', place: { file: '/x' } });
  expect(errorData(data)).toEqual(data.toData());
  expect(errorData(data.toData())).toEqual(data.toData());
});

it('comes whole from another process, with its place and what a page may offer', () => {
  const data = new StudioError('OUT_OF_MEMORY', 'It is full.', {
    nextStep: 'Take half of it.',
    place: { file: '/x', line: 3 },
    offer: { microBatchTokens: 64 },
  }).toData();
  expect(errorFromData(structuredClone(data)).toData()).toEqual(data);
});

it.each([
  ['a defect', new TypeError('no function'), 'no function'],
  ['text', 'oh', 'oh'],
  ['nothing', null, 'null'],
  ['an object that is nearly data', { code: 'SOMETHING', message: 'x', nextStep: '' }, '[object Object]'],
  [
    'an object that cannot be looked at',
    Object.defineProperty(Object.create(null), 'code', {
      get: () => {
        throw new Error('hidden');
      },
    }),
    'Something was thrown that has no text.',
  ],
])('makes a defect of %s', (_, thrown, message) => {
  expect(errorData(thrown)).toMatchObject({ code: 'INTERNAL', message });
});
