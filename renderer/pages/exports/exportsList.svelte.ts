/** @file Runs in the page. The list of exports, read anew whenever the studio says that it has changed. */
import { untrack } from 'svelte';
import type { ExportRecord } from '../../../shared/exports.ts';
import type { StudioState } from '../../state/studio.svelte.ts';

export class ExportsList {
  readonly #studio: StudioState;
  #records: readonly ExportRecord[] | null = $state.raw(null);
  #failure: unknown = $state.raw(null);

  constructor(studio: StudioState) {
    this.#studio = studio;
  }

  /** Newest first; null until they have been read. */
  get records(): readonly ExportRecord[] | null {
    return this.#records;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /** Listens from now on. Returns how to leave. */
  start(): () => void {
    untrack(() => void this.load());
    return this.#studio.listen((event) => {
      if (event.kind === 'exports' || event.kind === 'reset' || event.kind === 'runsDeleted')
        void this.load();
    });
  }

  async load(): Promise<void> {
    try {
      this.#records = await this.#studio.client.request('exports/list', {});
      this.#failure = null;
    } catch (thrown) {
      this.#failure = thrown;
    }
  }
}
