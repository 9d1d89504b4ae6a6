/**
 * @file Runs under Node. Who may ask what, by the request's head alone: Host, method and path, Origin or
 * Sec-Fetch-Site. Pure. The order of the checks is part of the rule (a stranger learns as little as possible).
 *
 * A loopback port is reached by every user of the machine and, through a browser, by every web page. A page's requests
 * carry its own origin, and a rebound name carries its own Host; both are compared with exact strings, never patterns.
 */

export interface RequestHead {
  readonly method: string;
  /** As it came, before any decoding. */
  readonly target: string;
  /** Name, value, name, value …: Node's rawHeaders, in which a second Host is still to be seen. */
  readonly rawHeaders: readonly string[];
}

export interface Allowed {
  /** Exact, lower case, with port: "127.0.0.1:8123". */
  readonly hosts: ReadonlySet<string>;
  /** Exact: "http://127.0.0.1:8123". */
  readonly origins: ReadonlySet<string>;
}

export type Verdict =
  | { readonly pass: true; readonly place: Place }
  | { readonly pass: false; readonly status: number; readonly sentence: string };

/** What an allowed request is for. */
export type Place =
  | { readonly kind: 'page'; readonly address: string }
  | { readonly kind: 'session' }
  | { readonly kind: 'logout' }
  | { readonly kind: 'rpc'; readonly route: string }
  | { readonly kind: 'events' };

export function headersNamed(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name);
}

export function judge(head: RequestHead, allowed: Allowed): Verdict {
  const hosts = headersNamed(head.rawHeaders, 'host');
  if (hosts.length !== 1) return refuse(400, 'A request names exactly one host.');
  if (!allowed.hosts.has(hosts[0]!.toLowerCase())) return refuse(403, 'This studio has another address.');
  const place = placeOf(head);
  if ('pass' in place) return place;
  const foreign = foreignOrigin(head, allowed, place);
  return foreign ?? { pass: true, place };
}

function placeOf({ method, target }: RequestHead): Place | Extract<Verdict, { pass: false }> {
  const [path = ''] = target.split('?');
  const query = target.length > path.length;
  if (path.startsWith('/rpc/')) {
    if (method !== 'POST') return refuse(405, 'Calls are made with POST.');
    return query ? refuse(404, 'There is nothing here.') : { kind: 'rpc', route: path.slice('/rpc/'.length) };
  }
  if (path === '/session' || path === '/logout') {
    if (method !== 'POST') return refuse(405, 'Sessions are made with POST.');
    return path === '/session' ? { kind: 'session' } : { kind: 'logout' };
  }
  if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'This can only be read.');
  return path === '/events' ? { kind: 'events' } : { kind: 'page', address: path };
}

/** A page of ours names its origin on POST, and the browser vouches for it everywhere; scripts bring a bearer token. */
function foreignOrigin(
  head: RequestHead,
  allowed: Allowed,
  place: Place,
): Extract<Verdict, { pass: false }> | null {
  const [origin] = headersNamed(head.rawHeaders, 'origin');
  const [site] = headersNamed(head.rawHeaders, 'sec-fetch-site');
  if (origin !== undefined && !allowed.origins.has(origin))
    return refuse(403, 'Another page may not ask this studio.');
  // Following a link to the studio is fine (cross-site navigation to the page); everything else must be its own.
  if (place.kind === 'page') return null;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return refuse(403, 'Another page may not ask this studio.');
  }
  const vouched = origin !== undefined || site === 'same-origin' || hasBearer(head.rawHeaders);
  if (!vouched && place.kind !== 'events') return refuse(403, 'A request must say from which page it comes.');
  return null;
}

export function hasBearer(rawHeaders: readonly string[]): boolean {
  return headersNamed(rawHeaders, 'authorization').some((value) => /^Bearer /i.test(value));
}

function refuse(status: number, sentence: string): Extract<Verdict, { pass: false }> {
  return { pass: false, status, sentence };
}
