/**
 * @file Node. The part of the crate that shares memory between processes: a file that each of them maps, which begins with
 * counters, by which they wait for each other; float32 numbers follow. An exchange is named by a number, and closed once.
 */

/** A number that names an exchange of this process. */
export type ExchangeId = number;

/** Counter 0 of all 128: raised by whoever leaves, and nobody waits any more. */
export const LEFT_COUNTER = 0;

export interface ExchangeBinding {
  /** A new file with room for so many numbers, all zero and all on the disk. @throws Error where there is one, or no room */
  exchangeCreate(path: string, numbers: number): ExchangeId;
  /** @throws Error where there is none, or one of another size */
  exchangeOpen(path: string, numbers: number): ExchangeId;
  exchangeClose(exchange: ExchangeId): void;
  /** What was written before is there for whoever sees the counter. */
  exchangeStore(exchange: ExchangeId, counter: number, value: number): void;
  /** Waits, at most so long, until `count` counters from `first` on are at least `value`. */
  exchangeWait(
    exchange: ExchangeId,
    first: number,
    count: number,
    value: number,
    limitMicros: number,
  ): 'reached' | 'waiting' | 'left';
  exchangeWrite(exchange: ExchangeId, at: number, values: Float32Array): void;
  /** Fills `values`. */
  exchangeRead(exchange: ExchangeId, at: number, values: Float32Array): void;
  /** From `to` on: sums of `count` numbers from each of `from` on, added in that order. */
  exchangeAdd(exchange: ExchangeId, from: Int32Array, to: number, count: number): void;
}
