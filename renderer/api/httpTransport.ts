/** @file Runs in the page. The transport over loopback HTTP: calls by POST, events by one EventSource that goes on where it was. */
import type { EventBatch } from '../../shared/contract/events.ts';
import type { Result } from '../../shared/contract/route.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { StatusLight } from './statusLight.ts';
import type { Transport } from './transport.ts';

/** The first waits between attempts to reach the studio again; the last one repeats. */
const RETRY_MS = [300, 1000, 2000, 4000] as const;

/** Answers that were asked for before this program was there, by route and input: "runs/table {}". */
export type EarlyAnswers = Readonly<Record<string, Promise<Response>>>;

export interface HttpPlace {
  readonly origin: string;
  /** The part of `location` and `history` that is used. */
  readonly location: { hash: string };
  replaceHash(hash: string): void;
}

/**
 * Opens a session with the key in the address ("#k=…"), if one is there, and takes it out of the address.
 * @returns false when the key is wrong or the studio cannot be reached.
 */
export async function openSession({ origin, location, replaceHash }: HttpPlace): Promise<boolean> {
  const found = /^#k=([\w-]+)(?:&to=(.*))?$/.exec(location.hash);
  if (found === null) return true;
  replaceHash(found[2] === undefined ? '' : `#${decodeURIComponent(found[2])}`);
  try {
    const answer = await fetch(`${origin}/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: found[1] }),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

export class HttpTransport implements Transport {
  readonly #origin: string;
  readonly #light = new StatusLight();
  readonly #listeners = new Set<(batch: EventBatch) => void>();
  readonly #early: Map<string, Promise<Response>>;
  /** Once anything was answered: events are heard from that moment on, so that none falls between. */
  readonly #answered = Promise.withResolvers<void>();
  #source: EventSource | null = null;
  #cursor: string | null = null;
  #begin: string | null = null;
  #attempts = 0;

  constructor(origin: string, early: EarlyAnswers = {}) {
    this.#origin = origin;
    this.#early = new Map(Object.entries(early));
  }

  get status() {
    return this.#light.status;
  }

  onStatus(listener: Parameters<Transport['onStatus']>[0]): () => void {
    return this.#light.listen(listener);
  }

  async request(route: string, input: unknown): Promise<Result<unknown>> {
    let answer: Response;
    try {
      answer = await (this.#takeEarly(route, input) ?? this.#post(route, input));
    } catch {
      this.#answered.resolve();
      return failure('CONNECTION_LOST', 'The studio cannot be reached.', 'It is tried again by itself.');
    }
    this.#noteCursor(answer.headers.get('Event-Cursor'));
    this.#answered.resolve();
    if (answer.ok) return (await answer.json()) as Result<unknown>;
    if (answer.status === 401) {
      this.#light.set('ended');
      return failure(
        'UNAUTHORISED',
        'The session has ended.',
        'Open the address that the studio printed when it started.',
      );
    }
    const sentence = (await answer.text()).trim();
    return failure(codeOf(answer.status), sentence, 'Reload the page.');
  }

  /** Events begin where the first answer stands; until there is one, nothing is known that they could change. */
  subscribe(listener: (batch: EventBatch) => void): () => void {
    this.#listeners.add(listener);
    void this.#answered.promise.then(() => {
      if (this.#source === null) this.#connect();
    });
    return () => void this.#listeners.delete(listener);
  }

  /** Listening begins at the first answer's cursor; should one turn up that is older, what lay between was not heard. */
  #noteCursor(cursor: string | null): void {
    if (cursor === null) return;
    this.#begin ??= cursor;
    this.#cursor ??= cursor;
    if (!isBefore(cursor, this.#begin)) return;
    this.#begin = cursor;
    for (const listener of [...this.#listeners])
      listener({ cursor: this.#cursor, events: [{ kind: 'reset' }] });
  }

  #post(route: string, input: unknown): Promise<Response> {
    return fetch(`${this.#origin}/rpc/${route}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(input ?? null),
    });
  }

  #takeEarly(route: string, input: unknown): Promise<Response> | undefined {
    const question = `${route} ${JSON.stringify(input)}`;
    const early = this.#early.get(question);
    this.#early.delete(question);
    return early;
  }

  #connect(): void {
    // The browser's own reconnection keeps the last id, but gives up for good when the studio is restarted.
    const after = this.#cursor === null ? '' : `?after=${encodeURIComponent(this.#cursor)}`;
    const source = new EventSource(`${this.#origin}/events${after}`);
    this.#source = source;
    source.addEventListener('hello', (event) => {
      this.#attempts = 0;
      this.#cursor ??= JSON.parse((event as MessageEvent<string>).data) as string;
      this.#light.set('open');
    });
    source.onmessage = (event: MessageEvent<string>) => {
      const batch = JSON.parse(event.data) as EventBatch;
      this.#cursor = batch.cursor;
      for (const listener of [...this.#listeners]) listener(batch);
    };
    source.onerror = () => {
      source.close();
      void this.#retry();
    };
  }

  async #retry(): Promise<void> {
    if (this.#light.status === 'ended') return;
    this.#light.set('lost');
    const waitMs = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)]!;
    this.#attempts++;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    // An EventSource does not tell 401 from a studio that is gone; a call does.
    await this.request('app/info', {});
    if ((this.#light.status as string) !== 'ended') this.#connect();
  }
}

/** Of cursors of one start of the studio, such as "….17". */
function isBefore(one: string, other: string): boolean {
  const [startOfOne, startOfOther] = [one, other].map((cursor) => cursor.slice(0, cursor.lastIndexOf('.')));
  const place = (cursor: string) => Number(cursor.slice(cursor.lastIndexOf('.') + 1));
  return startOfOne === startOfOther && place(one) < place(other);
}

function codeOf(status: number): ErrorCode {
  if (status === 403) return 'FORBIDDEN';
  if (status === 413) return 'TOO_LARGE';
  return status === 429 ? 'TOO_MANY_ATTEMPTS' : 'INTERNAL';
}

function failure(code: ErrorCode, message: string, nextStep: string): Result<unknown> {
  return { ok: false, error: { code, message, nextStep } };
}
