/** @file Runs in training workers. Messages over a stream of bytes: each begins with its kind and its length. */
import type { Socket } from 'node:net';
import { CHUNK_NUMBERS, partnerLost, partnerSilent } from './gradientExchange.ts';
import { Silence } from './silence.ts';

/** Kind and length, 32 bits each. */
const HEADER_BYTES = 8;
const LONGEST_BYTES = 4 * CHUNK_NUMBERS;
const PULSE_MS = 500;

const FRAME_KINDS = ['hello', 'order', 'numbers'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Buffer;
}

interface Waiter {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (reason: Error) => void;
}

export interface Patience {
  /** Called again and again meanwhile. */
  readonly waiting: () => void;
  readonly limitMs: number;
}

export class FrameSocket {
  readonly #socket: Socket;
  readonly #frames: Frame[] = [];
  #pieces: Buffer[] = [];
  #pending = 0;
  #waiter: Waiter | null = null;
  #lost: Error | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', (cause) => this.#lose(partnerLost(cause)));
    socket.on('close', () => this.#lose(partnerLost()));
  }

  /** Settles when the system has taken it. @throws StudioError PARTNER_LOST */
  async send(kind: FrameKind, bytes: Uint8Array, patience: Patience): Promise<void> {
    if (this.#lost !== null) throw this.#lost;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(FRAME_KINDS.indexOf(kind), 0);
    header.writeUInt32LE(bytes.byteLength, 4);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(bytes, (error) =>
      error === null || error === undefined ? resolve() : reject(this.#lost ?? partnerLost(error)),
    );
    this.#socket.uncork();
    await patiently(promise, patience);
  }

  /** The next message, which is of that kind. @throws StudioError PARTNER_LOST */
  async receive(kind: FrameKind, patience: Patience): Promise<Buffer> {
    const frame = this.#frames.shift() ?? (await patiently(this.#nextFrame(), patience));
    if (frame.kind !== kind) throw partnerLost();
    return frame.bytes;
  }

  close(): void {
    this.#socket.end();
  }

  #nextFrame(): Promise<Frame> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    this.#waiter = { resolve, reject };
    return promise;
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pending += bytes.length;
    while (this.#pending >= HEADER_BYTES) {
      const header = this.#pieces[0]!.length >= HEADER_BYTES ? this.#pieces[0]! : this.#joined();
      const kind = FRAME_KINDS[header.readUInt32LE(0)];
      const length = header.readUInt32LE(4);
      if (kind === undefined || length > LONGEST_BYTES) {
        this.#lose(partnerLost());
        this.#socket.destroy();
        return;
      }
      if (this.#pending < HEADER_BYTES + length) return;
      const all = this.#joined();
      const rest = all.subarray(HEADER_BYTES + length);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#pending = rest.length;
      this.#deliver({ kind, bytes: all.subarray(HEADER_BYTES, HEADER_BYTES + length) });
    }
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  #deliver(frame: Frame): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter === null) this.#frames.push(frame);
    else waiter.resolve(frame);
  }

  #lose(reason: Error): void {
    this.#lost ??= reason;
    this.#waiter?.reject(this.#lost);
    this.#waiter = null;
  }
}

/** @throws StudioError PARTNER_LOST when it takes too long. */
export async function patiently<Value>(
  promise: Promise<Value>,
  { waiting, limitMs }: Patience,
): Promise<Value> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const silence = new Silence();
  const timer = setInterval(() => {
    waiting();
    if (silence.isLongerThan(limitMs)) reject(partnerSilent());
  }, PULSE_MS);
  try {
    return await Promise.race([promise, tooLong]);
  } finally {
    clearInterval(timer);
  }
}
