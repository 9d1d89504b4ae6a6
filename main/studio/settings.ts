/** @file Runs under Node. A person's settings, in studio.db; what cannot be read is what it is by default. */

import { type Settings, settingsSchema } from '../../shared/contract/app.ts';
import type { StudioEvent } from '../../shared/contract/events.ts';
import { preference, setPreference } from '../db/preferences.ts';
import type { Databases } from './databases.ts';

const NAME = 'settings';

export class SettingsService {
  readonly #databases: Databases;
  readonly #publish: (events: readonly StudioEvent[]) => void;

  constructor(databases: Databases, publish: (events: readonly StudioEvent[]) => void) {
    this.#databases = databases;
    this.#publish = publish;
  }

  current(): Settings {
    const stored = settingsSchema.safeParse(preference(this.#databases.store(), NAME) ?? {});
    return stored.success ? stored.data : settingsSchema.parse({});
  }

  /** Keys that are missing or undefined stay as they are. */
  change(changes: { readonly [Key in keyof Settings]?: Settings[Key] | undefined }): Settings {
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const settings = settingsSchema.parse({ ...this.current(), ...given });
    setPreference(this.#databases.store(), NAME, settings);
    this.#publish([{ kind: 'settings', settings }]);
    return settings;
  }
}
