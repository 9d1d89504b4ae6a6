/** @file Runs in the page. One run with everything about it, kept up to date while it trains. */
import type { RunDetails } from '../../../shared/contract/runs.ts';
import type { LogLine } from '../../../shared/runs.ts';
import type { StudioState } from '../../state/studio.svelte.ts';
import { Upkeep } from '../../state/upkeep.ts';

const AGAIN_MS = 300;
const MOST_LINES = 5000;

export class RunDetailsStore {
  readonly #studio: StudioState;
  readonly #id: string;
  run: RunDetails | null = $state.raw(null);
  log: readonly LogLine[] = $state.raw([]);
  error: unknown = $state.raw(null);
  readonly #details = new Upkeep(() => this.#askDetails());
  readonly #lines = new Upkeep(() => this.#askLines());
  /** The whole id, once it is known. */
  readonly #named = Promise.withResolvers<string>();
  /** Of the lines that are here. */
  #cursor: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(studio: StudioState, id: string) {
    this.#studio = studio;
    this.#id = id;
  }

  /** Returns how to leave. */
  start(): () => void {
    void this.load();
    const leave = this.#studio.listen((event) => {
      const mine = this.run?.id ?? this.#id;
      if (event.kind === 'reset') void this.load();
      else if (event.kind === 'runs' && event.ids.includes(mine)) this.#again();
      // The event only says that there is more: its lines may be among those on their way already.
      else if (event.kind === 'log' && event.run === mine) void this.#lines.refresh();
      else if (event.kind === 'evaluation' && event.run === mine) this.#again();
    });
    const leaveStatus = this.#studio.client.transport.onStatus((status) => {
      if (status !== 'open') return;
      this.#details.catchUp();
      this.#lines.catchUp();
    });
    return () => {
      leave();
      leaveStatus();
      if (this.#timer !== null) clearTimeout(this.#timer);
    };
  }

  async load(): Promise<void> {
    await Promise.all([this.#details.refresh(), this.#lines.refresh()]);
  }

  #again(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#details.refresh();
    }, AGAIN_MS);
  }

  async #askDetails(): Promise<void> {
    try {
      this.run = await this.#studio.client.request('runs/show', { run: this.#id });
      this.error = null;
      this.#named.resolve(this.run.id);
    } catch (thrown) {
      this.error = thrown;
      throw thrown;
    }
  }

  /** Asks for what has been written since. */
  async #askLines(): Promise<void> {
    const askOf = (run: string) => this.#studio.client.request('runs/log', { run, after: this.#cursor });
    // A hand-written address may hold the beginning of an id: it names the run, but no log.
    const { lines, cursor } = await askOf(this.#id).catch(async (thrown) => {
      const whole = await this.#named.promise;
      if (whole === this.#id) throw thrown;
      return await askOf(whole);
    });
    this.#cursor = cursor;
    if (lines.length > 0) this.log = [...this.log, ...lines].slice(-MOST_LINES);
  }
}
