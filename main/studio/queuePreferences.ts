/** @file Runs under Node. How a person wants the queue to behave, in studio.db. */
import { z } from 'zod';
import { preference, setPreference } from '../db/preferences.ts';
import type { Databases } from './databases.ts';

const NAME = 'queue';

const queuePreferencesSchema = z.object({
  paused: z.boolean().default(false),
  continueAfterError: z.boolean().default(true),
  pausedBy: z.object({ run: z.string(), message: z.string() }).nullable().default(null),
});
type Preferences = z.infer<typeof queuePreferencesSchema>;

export class QueuePreferences {
  readonly #databases: Databases;

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  /** Read each time: another studio may have changed them before this one. */
  current(): Preferences {
    const stored = queuePreferencesSchema.safeParse(preference(this.#databases.store(), NAME) ?? {});
    return stored.success ? stored.data : queuePreferencesSchema.parse({});
  }

  change(changes: Partial<Preferences>): void {
    setPreference(this.#databases.store(), NAME, { ...this.current(), ...changes });
  }
}
