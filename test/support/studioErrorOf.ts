/** @file Tests. Gets hold of the StudioError that something throws, to look at all of it. */
import { StudioError } from '../../shared/errors.ts';

/** The StudioError that `act` throws; anything else, or nothing, fails the test. */
export function studioErrorOf(act: () => unknown): StudioError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof StudioError) return thrown;
    throw thrown;
  }
  throw new Error('expected a StudioError, but nothing was thrown');
}

/** The same for a promise. */
export async function studioRejectionOf(promise: Promise<unknown>): Promise<StudioError> {
  const thrown = await promise.then(
    () => new Error('expected a StudioError, but the promise was fulfilled'),
    (reason: unknown) => reason,
  );
  if (thrown instanceof StudioError) return thrown;
  throw thrown;
}
