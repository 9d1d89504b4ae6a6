/**
 * @file Runs under Node. Events of one batch made few: of what only says how things stand, the last word; what adds up,
 * together. The order of what depends on one another stays.
 */
import type { StudioEvent } from '../../shared/contract/events.ts';

/** How much there is in an event, in things of about a hundred bytes. */
export function weightOf(event: StudioEvent): number {
  switch (event.kind) {
    case 'points':
      return event.points.length;
    case 'log':
      return event.lines.length;
    case 'runs':
    case 'runsDeleted':
      return event.ids.length;
    case 'queue':
      return 1 + event.queue.waiting.length;
    default:
      return 1;
  }
}

/** Gathers events, and is then told as one batch. */
export class Gathering {
  /** Null where a later event has said the same thing. */
  readonly #events: (StudioEvent | null)[] = [];
  readonly #standing = new Map<string, number>();
  /** Lists of events that are in `#events` already and may still grow. */
  readonly #growing = new Map<string, unknown[]>();
  #weight = 0;

  /** Of what would be told now. */
  get weight(): number {
    return this.#weight;
  }

  add(event: StudioEvent): void {
    switch (event.kind) {
      case 'points':
        this.#gather(`points ${event.run}`, event.points, (points) => ({ ...event, points }));
        break;
      case 'log':
        this.#gather(`log ${event.run}`, event.lines, (lines) => ({ ...event, lines }));
        break;
      // What came before belongs to the curve that ends here, what comes after does not.
      case 'pointsDropped':
        this.#growing.delete(`points ${event.run}`);
        this.#push(event);
        break;
      // A run that comes back after it was deleted is told after that.
      case 'runsDeleted':
        for (const key of [...this.#standing.keys()]) if (key.startsWith('runs ')) this.#standing.delete(key);
        this.#push(event);
        break;
      default:
        this.#stand(event);
    }
  }

  events(): StudioEvent[] {
    return this.#events.filter((event) => event !== null);
  }

  #push(event: StudioEvent): void {
    this.#events.push(event);
    this.#weight += weightOf(event);
  }

  /** Copies into one list what many events bring; a list that is told already is never touched. */
  #gather<Item>(key: string, items: readonly Item[], eventWith: (all: readonly Item[]) => StudioEvent): void {
    const list = this.#growing.get(key) as Item[] | undefined;
    if (list !== undefined) {
      for (const item of items) list.push(item);
      this.#weight += items.length;
      return;
    }
    const fresh = [...items];
    this.#growing.set(key, fresh);
    this.#push(eventWith(fresh));
  }

  #stand(event: StudioEvent): void {
    const key = standing(event);
    if (key !== null) {
      this.#forget(this.#standing.get(key));
      this.#standing.set(key, this.#events.length);
    }
    this.#push(event);
  }

  #forget(place: number | undefined): void {
    const earlier = place === undefined ? null : this.#events[place];
    if (place === undefined || earlier == null) return;
    this.#events[place] = null;
    this.#weight -= weightOf(earlier);
  }
}

/** Equal for events of which a later one makes an earlier one worthless; null for all others. */
function standing(event: StudioEvent): string | null {
  switch (event.kind) {
    case 'progress':
      return `progress ${event.run}`;
    case 'job':
      return `job ${event.job.id}`;
    case 'runs':
      return `runs ${event.ids.join(' ')}`;
    case 'notice':
      return `notice ${event.id}`;
    case 'queue':
    case 'datasets':
    case 'engines':
    case 'settings':
      return event.kind;
    default:
      return null;
  }
}
