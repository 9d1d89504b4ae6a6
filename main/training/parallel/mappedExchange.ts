/**
 * @file Runs in training workers. The exchange through memory that all workers share: each writes its numbers into its own
 * slot, each adds up one stretch of all slots, all read the sums.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MOST_DEVICES } from '../../../shared/devices.ts';
import { type ExchangeBinding, type ExchangeId, LEFT_COUNTER } from '../../engines/native/exchangeBinding.ts';
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
  partnerSilent,
} from './gradientExchange.ts';
import { Silence } from './silence.ts';

/** Counters beside `LEFT_COUNTER`; all but the first stand for each rank. */
const TOLD = 1;
const JOINED = 2;
const HEARD = JOINED + MOST_DEVICES;
const WRITTEN = HEARD + MOST_DEVICES;
const ADDED = WRITTEN + MOST_DEVICES;

/** An order is written as bits of float64 numbers, two float32 numbers each. */
const ORDER_ROOM = 64;
/** Between two looks at messages of this process. */
const LOOK_MICROS = 5000;
/** Stretches of a sum begin at cache lines. */
const ALIGNMENT = 16;

export interface MappedPlace {
  readonly path: string;
  readonly rank: number;
  readonly ranks: number;
}

/** Numbers of a file for so many workers. */
export const mappedNumbers = (ranks: number) => ORDER_ROOM + (ranks + 1) * CHUNK_NUMBERS;

export const mappedBytes = (ranks: number) => 4 * mappedNumbers(ranks) + 2 ** 16;

export class MappedExchange implements GradientExchange {
  readonly rank: number;
  readonly ranks: number;
  readonly #binding: ExchangeBinding;
  readonly #id: ExchangeId;
  /** Of orders, and of chunks. */
  #told = 0;
  #chunks = 0;
  #closed = false;

  /** The leader makes the file, the others find it. @throws Error where it cannot be made or mapped */
  constructor(binding: ExchangeBinding, { path, rank, ranks }: MappedPlace) {
    this.#binding = binding;
    this.rank = rank;
    this.ranks = ranks;
    const numbers = mappedNumbers(ranks);
    this.#id = rank === 0 ? binding.exchangeCreate(path, numbers) : binding.exchangeOpen(path, numbers);
    binding.exchangeStore(this.#id, JOINED + rank, 1);
  }

  /** Settles when all have the file: from then on it needs no name. */
  async joined(waiting: () => void): Promise<void> {
    await this.#reach(JOINED, this.ranks, 1, { waiting, limitMs: Number.POSITIVE_INFINITY });
  }

  async sum(parts: readonly Float32Array[], waiting: () => void): Promise<void> {
    for (const chunk of chunksOf(parts)) await this.#sumChunk(chunk, waiting);
  }

  async tell(order: CrewOrder, waiting: () => void): Promise<void> {
    const wait = { waiting, limitMs: LONGEST_SILENCE_MS };
    // The place of the last order is free when everybody has read it.
    await this.#reach(HEARD + 1, this.ranks - 1, this.#told, wait);
    this.#binding.exchangeWrite(this.#id, 0, new Float32Array(encodeOrder(order).buffer));
    this.#binding.exchangeStore(this.#id, TOLD, ++this.#told);
  }

  async hear(waiting: () => void): Promise<CrewOrder> {
    await this.#reach(TOLD, 1, this.#told + 1, { waiting, limitMs: Number.POSITIVE_INFINITY });
    const numbers = new Float64Array(ORDER_NUMBERS);
    this.#binding.exchangeRead(this.#id, 0, new Float32Array(numbers.buffer));
    this.#binding.exchangeStore(this.#id, HEARD + this.rank, ++this.#told);
    return decodeOrder(numbers);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#binding.exchangeStore(this.#id, LEFT_COUNTER, 1);
    this.#binding.exchangeClose(this.#id);
  }

  async #sumChunk({ pieces, numbers }: Chunk, waiting: () => void): Promise<void> {
    const [binding, id, wait] = [this.#binding, this.#id, { waiting, limitMs: LONGEST_SILENCE_MS }];
    const slot = (rank: number) => ORDER_ROOM + rank * CHUNK_NUMBERS;
    const sums = slot(this.ranks);
    this.#chunks++;
    // The own slot is free: everybody had added it up before the last sums were read here.
    eachPiece(pieces, slot(this.rank), (piece, at) => binding.exchangeWrite(id, at, piece));
    binding.exchangeStore(id, WRITTEN + this.rank, this.#chunks);
    await this.#reach(WRITTEN, this.ranks, this.#chunks, wait);
    const [begin, end] = this.#stretchOf(numbers);
    const from = Int32Array.from({ length: this.ranks }, (_, rank) => slot(rank) + begin);
    binding.exchangeAdd(id, from, sums + begin, end - begin);
    binding.exchangeStore(id, ADDED + this.rank, this.#chunks);
    await this.#reach(ADDED, this.ranks, this.#chunks, wait);
    eachPiece(pieces, sums, (piece, at) => binding.exchangeRead(id, at, piece));
  }

  /** Which of `numbers` this rank adds up. */
  #stretchOf(numbers: number): readonly [number, number] {
    const size = Math.ceil(numbers / this.ranks / ALIGNMENT) * ALIGNMENT;
    return [Math.min(numbers, this.rank * size), Math.min(numbers, (this.rank + 1) * size)];
  }

  async #reach(
    first: number,
    count: number,
    value: number,
    { waiting, limitMs }: { waiting: () => void; limitMs: number },
  ): Promise<void> {
    const silence = new Silence();
    while (true) {
      const how = this.#binding.exchangeWait(this.#id, first, count, value, LOOK_MICROS);
      if (how === 'reached') return;
      if (how === 'left') throw partnerLost();
      if (silence.isLongerThan(limitMs)) throw partnerSilent();
      waiting();
      await nextTurn();
    }
  }
}

function eachPiece(
  pieces: readonly Float32Array[],
  from: number,
  work: (piece: Float32Array, at: number) => void,
): void {
  let at = from;
  for (const piece of pieces) {
    work(piece, at);
    at += piece.length;
  }
}
