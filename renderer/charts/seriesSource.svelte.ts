/** @file Runs in the page. The curves of a chart as state: what is held, and when it has changed. */
import type { StudioError } from '../../shared/errors.ts';
import type { Client } from '../api/client.ts';
import type { HeldCurve } from './chartLines.ts';
import { paceOf } from './livePace.ts';
import { type LinesWish, SeriesStore } from './seriesStore.ts';

export class SeriesSource {
  /** Counts changes of what is held. */
  version = $state(0);
  loading = $state(true);
  error: StudioError | null = $state.raw(null);
  readonly #client: Client;
  readonly #store: SeriesStore;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** A question is on its way. */
  #expecting = false;

  constructor(client: Client) {
    this.#client = client;
    this.#store = new SeriesStore(client, () => this.#changed());
  }

  /** Takes live points until the returned function is called. */
  follow(): () => void {
    const leave = this.#client.transport.subscribe((batch) => this.#store.take(batch));
    // What could not be asked while the connection was lost is asked when it is back.
    const leaveStatus = this.#client.transport.onStatus((status) => {
      if (status === 'open' && this.#store.error?.code === 'CONNECTION_LOST') this.retry();
    });
    return () => {
      leave();
      leaveStatus();
      this.#forget();
    };
  }

  ask(wish: LinesWish): void {
    this.#store.ask(wish);
    this.#expecting ||= this.#store.loading;
  }

  retry(): void {
    this.#store.retry();
  }

  /** Null when the run has no point, or none yet. */
  curve(run: string): HeldCurve | null {
    const whole = this.#store.whole(run);
    if (whole === null || whole.length === 0) return null;
    return { whole, inView: this.#store.inView(run) ?? whole, gaps: this.#store.gaps(run) };
  }

  #changed(): void {
    // What a person waits for is drawn at once; what comes by itself waits for its turn.
    const answered = (this.loading || this.#expecting) && !this.#store.loading;
    if (answered || this.#store.error !== this.error) this.#tell();
    else if (this.loading) this.#timer ??= setTimeout(this.#tell);
    else paceOf(this.#client).ask(this.#tell);
  }

  #forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    paceOf(this.#client).forget(this.#tell);
  }

  readonly #tell = (): void => {
    this.#forget();
    this.loading = this.#store.loading;
    this.#expecting = this.#store.loading;
    this.error = this.#store.error;
    this.version++;
  };
}
