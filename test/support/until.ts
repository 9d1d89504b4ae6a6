/** @file Tests. Waits for conditions, never for time: the test's own limit ends what does not come. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is as it should be, and gives it back. */
export async function until<Value>(
  ask: () => Value | Promise<Value>,
  holds: (value: Value) => boolean = Boolean,
): Promise<Value> {
  while (true) {
    const value = await ask();
    if (holds(value)) return value;
    await sleep(20);
  }
}
