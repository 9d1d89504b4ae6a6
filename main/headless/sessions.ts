/** @file Runs under Node. The key in the printed address, the sessions that it opens, and patience with wrong keys. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SESSION_MS = 12 * 60 * 60 * 1000;
const WRONG_KEYS_A_MINUTE = 5;
const MINUTE_MS = 60_000;

export type Opening =
  | { readonly kind: 'opened'; readonly session: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'tooMany' };

export class Sessions {
  /** 32 random bytes; lives as long as the server. */
  readonly key: string;
  readonly #keyDigest: Buffer;
  readonly #now: () => number;
  /** Digest of a session id -> when it ends. Ids themselves are not kept. */
  readonly #sessions = new Map<string, number>();
  #wrongAtMs: number[] = [];

  constructor(now: () => number = Date.now) {
    this.key = randomBytes(32).toString('base64url');
    this.#keyDigest = digest(this.key);
    this.#now = now;
  }

  /** The same work whatever the key's length or first wrong letter. */
  open(key: string): Opening {
    const now = this.#now();
    this.#wrongAtMs = this.#wrongAtMs.filter((at) => now - at < MINUTE_MS);
    if (this.#wrongAtMs.length >= WRONG_KEYS_A_MINUTE) return { kind: 'tooMany' };
    if (!this.isKey(key)) {
      this.#wrongAtMs.push(now);
      return { kind: 'wrong' };
    }
    const session = randomBytes(32).toString('base64url');
    this.#sessions.set(digest(session).toString('hex'), now + SESSION_MS);
    return { kind: 'opened', session };
  }

  isKey(key: string): boolean {
    return timingSafeEqual(digest(key), this.#keyDigest);
  }

  isOpen(session: string): boolean {
    const name = digest(session).toString('hex');
    const end = this.#sessions.get(name);
    if (end !== undefined && end > this.#now()) return true;
    this.#sessions.delete(name);
    return false;
  }

  close(session: string): void {
    this.#sessions.delete(digest(session).toString('hex'));
  }

  get maxAgeSeconds(): number {
    return SESSION_MS / 1000;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
