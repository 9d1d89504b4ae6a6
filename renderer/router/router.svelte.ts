/** @file Runs in the page. The address: which page is shown and with what; back, forward, reload and links work. */

export const PAGES = [
  ...(['runs', 'new', 'queue', 'compare', 'errors', 'playground'] as const),
  ...(['datasets', 'models', 'exports', 'engines', 'settings', 'start'] as const),
];
export type PageName = (typeof PAGES)[number];

export interface Place {
  /** Null for an address that names no page. */
  readonly page: PageName | null;
  /** What follows the page: a run's id, a data set's name; null for none. */
  readonly id: string | null;
  readonly query: URLSearchParams;
}

/** "#/runs/r1abc?tab=log" */
export function placeIn(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name = '', id, ...more] = path.split('/').map(decoded);
  const page = name === '' ? 'runs' : PAGES.find((known) => known === name);
  const query = new URLSearchParams(search);
  if (page === undefined || more.length > 0) return { page: null, id: null, query };
  return { page, id: id === undefined || id === '' ? null : id, query };
}

export function hrefTo(
  page: PageName,
  id: string | null = null,
  query: Record<string, string | null | undefined> = {},
): string {
  const words = Object.entries(query).filter(
    (entry): entry is [string, string] => entry[1] != null && entry[1] !== '',
  );
  const search = new URLSearchParams(words).toString();
  return `#/${page}${id === null ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`;
}

export class Router {
  #place: Place = $state.raw(placeIn(window.location.hash));

  get place(): Place {
    return this.#place;
  }

  /** Returns how to stop. */
  start(): () => void {
    const follow = () => {
      this.#place = placeIn(window.location.hash);
    };
    // The key of a session has left the address since this was made, without an event.
    follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }

  go(href: string): void {
    window.location.hash = href.replace(/^#/, '');
  }

  /** Changes the address without a step in the history: filters, chosen tabs. */
  replace(href: string): void {
    window.history.replaceState(null, '', href);
    this.#place = placeIn(window.location.hash);
  }
}

export const router = new Router();

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
