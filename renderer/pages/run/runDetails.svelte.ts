/** @file Runs in the page. One run with everything about it, kept up to date while it trains. */
import type { RunDetails } from '../../../shared/contract/runs.ts';
import type { LogLine } from '../../../shared/runs.ts';
import type { StudioState } from '../../state/studio.svelte.ts';

const AGAIN_MS = 300;
const MOST_LINES = 5000;

export class RunDetailsStore {
  readonly #studio: StudioState;
  readonly #id: string;
  run: RunDetails | null = $state.raw(null);
  log: readonly LogLine[] = $state.raw([]);
  error: unknown = $state.raw(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(studio: StudioState, id: string) {
    this.#studio = studio;
    this.#id = id;
  }

  /** Returns how to leave. */
  start(): () => void {
    void this.load();
    return this.#studio.listen((event) => {
      const mine = this.run?.id ?? this.#id;
      if (event.kind === 'reset') void this.load();
      else if (event.kind === 'runs' && event.ids.includes(mine)) this.#again();
      else if (event.kind === 'log' && event.run === mine)
        this.log = [...this.log, ...event.lines].slice(-MOST_LINES);
      else if (event.kind === 'evaluation' && event.run === mine) this.#again();
    });
  }

  async load(): Promise<void> {
    const { client } = this.#studio;
    try {
      const logOf = (id: string) => client.request('runs/log', { run: id });
      const [run, log] = await Promise.all([
        client.request('runs/show', { run: this.#id }),
        logOf(this.#id).catch(() => null),
      ]);
      // A hand-written address may hold the beginning of an id: it names the run, but no log.
      const { lines } = log ?? (await logOf(run.id));
      this.run = run;
      this.log = lines;
      this.error = null;
    } catch (thrown) {
      this.error = thrown;
    }
  }

  #again(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#studio.client
        .request('runs/show', { run: this.#id })
        .then((run) => {
          this.run = run;
        })
        .catch((thrown) => {
          this.error = thrown;
        });
    }, AGAIN_MS);
  }
}
