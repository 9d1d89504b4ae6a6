/** @file Runs in the page. Mean curves of groups as state. The studio computes them from every point; live they are asked for again. */
import type { Input } from '../../shared/contract/contract.ts';
import type { GroupLine } from '../../shared/contract/series.ts';
import { errorData, errorFromData, type StudioError } from '../../shared/errors.ts';
import type { Client } from '../api/client.ts';

/** A mean over whole curves costs the studio more than a point: this often is enough. */
const LIVE_MS = 3000;

export type GroupsWish = Input<'series/groups'>;

export class GroupSource {
  lines: readonly GroupLine[] = $state.raw([]);
  loading = $state(true);
  error: StudioError | null = $state.raw(null);
  readonly #client: Client;
  #wish: GroupsWish | null = null;
  #answered: GroupsWish | null = null;
  #asking = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  ask(wish: GroupsWish): void {
    this.#wish = wish;
    void this.#work();
  }

  follow(): () => void {
    const leave = this.#client.transport.subscribe(({ events }) => {
      const members = new Set(this.#wish?.groups.flatMap(({ runs }) => runs));
      const concerned = events.some(
        (event) =>
          event.kind === 'reset' ||
          ((event.kind === 'points' || event.kind === 'pointsDropped') && members.has(event.run)),
      );
      if (concerned) this.#timer ??= setTimeout(() => this.#again(), LIVE_MS);
    });
    const leaveStatus = this.#client.transport.onStatus((status) => {
      if (status === 'open' && this.error?.code === 'CONNECTION_LOST') this.retry();
    });
    return () => {
      leave();
      leaveStatus();
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  retry(): void {
    this.#again();
  }

  #again(): void {
    this.#timer = null;
    this.#answered = null;
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#wish !== null && this.#wish !== this.#answered) {
        const wish = this.#wish;
        this.lines = wish.groups.length === 0 ? [] : await this.#client.request('series/groups', wish);
        this.#answered = wish;
      }
      this.error = null;
    } catch (thrown) {
      this.error = errorFromData(errorData(thrown));
    } finally {
      this.#asking = false;
      this.loading = false;
    }
  }
}
