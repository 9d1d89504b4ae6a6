/**
 * @file Runs in training workers. The exchange through pipes, where the crate that shares memory is not to be had: all send
 * their numbers to the leader, who adds them up in the order of ranks and sends the sums back.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../../files/fileErrors.ts';
import { FrameSocket, type Patience, patiently } from './frames.ts';
import {
  CHUNK_NUMBERS,
  type Chunk,
  type CrewOrder,
  chunksOf,
  decodeOrder,
  encodeOrder,
  type GradientExchange,
  LONGEST_SILENCE_MS,
  ORDER_NUMBERS,
  partnerLost,
} from './gradientExchange.ts';

export interface PipePlace {
  /** A socket's path, or the name of a pipe on Windows. */
  readonly path: string;
  /** What a partner must say first. */
  readonly token: string;
  readonly rank: number;
  readonly ranks: number;
}

const RETRY_MS = 20;
const FOR_EVER = Number.POSITIVE_INFINITY;

export class PipeExchange implements GradientExchange {
  readonly rank: number;
  readonly ranks: number;
  /** Of the leader: a socket for each of the others, in the order of ranks; else one to the leader. */
  readonly #partners: readonly FrameSocket[];
  readonly #chunk = new Float32Array(CHUNK_NUMBERS);

  private constructor({ rank, ranks }: PipePlace, partners: readonly FrameSocket[]) {
    this.rank = rank;
    this.ranks = ranks;
    this.#partners = partners;
  }

  /** `listening` is called when the others may come. @throws StudioError PARTNER_LOST */
  static async lead(
    place: PipePlace,
    { waiting, listening }: { waiting: () => void; listening: () => void },
  ): Promise<PipeExchange> {
    const partners = new Map<number, FrameSocket>();
    const { promise: complete, resolve, reject } = Promise.withResolvers<void>();
    const greet = async (socket: Socket): Promise<void> => {
      const partner = new FrameSocket(socket);
      const rank = rankOf(await partner.receive('hello', { waiting, limitMs: LONGEST_SILENCE_MS }), place);
      if (rank === null || partners.has(rank)) partner.close();
      else partners.set(rank, partner);
      if (partners.size === place.ranks - 1) resolve();
    };
    const server = createServer((socket) => void greet(socket).catch(() => socket.destroy()));
    server.on('error', (cause) => reject(partnerLost(cause)));
    server.listen(place.path, listening);
    try {
      await patiently(complete, { waiting, limitMs: FOR_EVER });
    } finally {
      // Those who came stay connected.
      server.close();
    }
    const inOrder = [...partners].toSorted(([one], [other]) => one - other);
    return new PipeExchange(
      place,
      inOrder.map(([, partner]) => partner),
    );
  }

  /** @throws StudioError PARTNER_LOST when the leader is gone. */
  static async join(place: PipePlace, waiting: () => void): Promise<PipeExchange> {
    const leader = new FrameSocket(await connected(place.path, waiting));
    const patience = { waiting, limitMs: LONGEST_SILENCE_MS };
    await leader.send(
      'hello',
      Buffer.from(JSON.stringify({ rank: place.rank, token: place.token })),
      patience,
    );
    return new PipeExchange(place, [leader]);
  }

  async sum(parts: readonly Float32Array[], waiting: () => void): Promise<void> {
    const patience = { waiting, limitMs: LONGEST_SILENCE_MS };
    for (const chunk of chunksOf(parts)) {
      const numbers = this.#gathered(chunk);
      if (this.rank === 0) await this.#lead(numbers, patience);
      else await this.#follow(numbers, patience);
      scatter(numbers, chunk.pieces);
    }
  }

  async tell(order: CrewOrder, waiting: () => void): Promise<void> {
    const bytes = bytesOf(encodeOrder(order));
    const patience = { waiting, limitMs: LONGEST_SILENCE_MS };
    await Promise.all(this.#partners.map((partner) => partner.send('order', bytes, patience)));
  }

  async hear(waiting: () => void): Promise<CrewOrder> {
    const bytes = await this.#partners[0]!.receive('order', { waiting, limitMs: FOR_EVER });
    const numbers = new Float64Array(ORDER_NUMBERS);
    take(bytes, numbers);
    return decodeOrder(numbers);
  }

  close(): void {
    for (const partner of this.#partners) partner.close();
  }

  async #lead(sums: Float32Array, patience: Patience): Promise<void> {
    const theirs = new Float32Array(sums.length);
    for (const partner of this.#partners) {
      take(await partner.receive('numbers', patience), theirs);
      // Two float32 numbers added as float64 and rounded once: what float32 arithmetic gives.
      for (let at = 0; at < sums.length; at++) sums[at]! += theirs[at]!;
    }
    const bytes = bytesOf(sums);
    await Promise.all(this.#partners.map((partner) => partner.send('numbers', bytes, patience)));
  }

  async #follow(numbers: Float32Array, patience: Patience): Promise<void> {
    const leader = this.#partners[0]!;
    await leader.send('numbers', bytesOf(numbers), patience);
    take(await leader.receive('numbers', patience), numbers);
  }

  #gathered({ pieces, numbers }: Chunk): Float32Array {
    let at = 0;
    for (const piece of pieces) {
      this.#chunk.set(piece, at);
      at += piece.length;
    }
    return this.#chunk.subarray(0, numbers);
  }
}

function scatter(numbers: Float32Array, pieces: readonly Float32Array[]): void {
  let at = 0;
  for (const piece of pieces) {
    piece.set(numbers.subarray(at, at + piece.length));
    at += piece.length;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @throws StudioError PARTNER_LOST for another number of bytes. */
function take(bytes: Buffer, numbers: Float32Array | Float64Array): void {
  if (bytes.byteLength !== numbers.byteLength) throw partnerLost();
  bytesOf(numbers).set(bytes);
}

/** Null for what is no partner's greeting. */
function rankOf(hello: Buffer, { token, ranks }: PipePlace): number | null {
  const said = JSON.parse(hello.toString('utf8')) as { rank?: unknown; token?: unknown };
  const { rank } = said;
  if (said.token !== token || typeof rank !== 'number' || !Number.isInteger(rank)) return null;
  return rank >= 1 && rank < ranks ? rank : null;
}

/** A full backlog refuses for a moment. */
async function connected(path: string, waiting: () => void): Promise<Socket> {
  const beganMs = performance.now();
  while (true) {
    const socket = createConnection(path);
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    socket.once('connect', () => resolve(null));
    socket.once('error', resolve);
    const trouble = await promise;
    if (trouble === null) return socket;
    socket.destroy();
    const isBusy = ['EAGAIN', 'ECONNREFUSED'].includes(systemCode(trouble) ?? '');
    if (!isBusy || performance.now() - beganMs > LONGEST_SILENCE_MS) throw partnerLost(trouble);
    waiting();
    await sleep(RETRY_MS);
  }
}
