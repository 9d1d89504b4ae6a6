/** @file Tests. Gets hold of the error that something throws, to look at all of it. */
import { StudioError } from '../../shared/errors.ts';

/** The StudioError that `act` throws; fails the test if it throws nothing or something else. */
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
export async function rejectionOf(promise: Promise<unknown>): Promise<StudioError> {
  const outcome = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (outcome instanceof StudioError) return outcome;
  throw outcome ?? new Error('expected a StudioError, but the promise was fulfilled');
}
