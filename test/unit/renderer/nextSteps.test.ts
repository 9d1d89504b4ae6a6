/** @file Tests. What the page says to do where the studio's error names a command: real errors, as they are thrown. */
import { expect, it } from 'vitest';
import { noSuchRun } from '../../../main/db/runKey.ts';
import { stepsInStudio } from '../../../renderer/api/nextSteps.ts';
import { errorData } from '../../../shared/errors.ts';

it('tells a person in the studio what to do there, and leaves the sentence and other steps as they are', () => {
  const missing = errorData(noSuchRun('zzz'));
  expect(missing.nextStep).toContain('npx --no entail runs list');
  expect(stepsInStudio(missing)).toEqual({
    ...missing,
    nextStep: 'It may have been deleted, or have another id: look for it on the page Runs.',
  });
  const other = { ...missing, nextStep: 'Choose another folder.' };
  expect(stepsInStudio(other)).toEqual(other);
});
