/** @file Tests. What a call throws, as a value to look at. */

/** The thrown value; an Error of this function's own when nothing is thrown. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  return new Error('nothing was thrown');
}

/** As `thrownBy`, for a promise. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('the promise was fulfilled'),
    (thrown: unknown) => thrown,
  );
}
