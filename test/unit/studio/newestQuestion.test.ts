/** @file Tests. Questions that come faster than they are answered. */
import { expect, it } from 'vitest';
import { NewestQuestion } from '../../../main/studio/newestQuestion.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';

it('answers the one it works on and the newest, and refuses those in between at once', async () => {
  const questions = new NewestQuestion();
  const gate = Promise.withResolvers<void>();
  const asked: number[] = [];
  const ask = (number: number, kind = 'answer') =>
    questions.ask(kind, async () => {
      asked.push(number);
      await gate.promise;
      return number;
    });
  const first = ask(1);
  const second = ask(2);
  const third = ask(3);
  const other = ask(4, 'attention');
  const fifth = ask(5);
  // Refused while the first is still worked on: nothing has opened the gate.
  expect((await studioRejectionOf(second)).code).toBe('CANCELLED');
  expect((await studioRejectionOf(third)).code).toBe('CANCELLED');
  gate.resolve();
  expect(await Promise.all([first, other, fifth])).toEqual([1, 4, 5]);
  await questions.settled();
  expect(asked.toSorted()).toEqual([1, 4, 5]);
});

it('goes on after a question that failed', async () => {
  const questions = new NewestQuestion();
  const failing = questions.ask('answer', async () => {
    throw new Error('no');
  });
  const next = questions.ask('answer', async () => 'yes');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('yes');
});
