/**
 * @file Runs anywhere. Philox4x32-10, the counter-based generator behind dropout, initial weights and shuffling.
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). The same key and counter give the same four
 * words on every engine, so nothing random needs a state that a checkpoint would have to keep.
 */

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the unsigned product; 16-bit halves, since a double holds 53 bits only. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) | 0;
}

/** Four counter words and two key words in (unsigned 32 bits each), four words out into `out[0..3]`. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** What a stream of random numbers is for; keeps streams of the same seed apart. Dropout's places are small numbers. */
export const STREAMS = {
  initialWeights: 0x10000000,
  shuffle: 0x20000000,
  split: 0x30000000,
  sample: 0x40000000,
  nextSentence: 0x50000000,
  masks: 0x60000000,
  engineTest: 0x70000000,
} as const;

/** A sequence of 32-bit words decided by (seed, stream, index, part) alone. */
export class PhiloxSequence {
  readonly #key: readonly [number, number];
  readonly #index: number;
  readonly #part: number;
  readonly #words = new Uint32Array(4);
  #block = 0;
  #used = 4;

  constructor(seed: number, stream: number, index = 0, part = 0) {
    this.#key = [seed, stream];
    this.#index = index;
    this.#part = part;
  }

  /** The next word, 0 to 2^32 - 1. */
  nextWord(): number {
    if (this.#used === 4) {
      philox4x32([this.#block, this.#index, this.#part, 0], this.#key, this.#words);
      this.#block++;
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }

  /** Uniform in [0, 1) with 24 bits, so that it is exact in fp32. */
  nextUniform(): number {
    return (this.nextWord() >>> 8) / 0x1000000;
  }

  /** A whole number in [0, limit), without modulo bias (rejection). */
  nextBelow(limit: number): number {
    const bound = 0x100000000 - (0x100000000 % limit);
    for (;;) {
      const word = this.nextWord();
      if (word < bound) return word % limit;
    }
  }

  /** Standard normal, Box-Muller; one of the pair is thrown away, which costs nothing where it is used. */
  nextNormal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.nextWord() + 1) / 0x100000000));
    return radius * Math.cos((2 * Math.PI * this.nextWord()) / 0x100000000);
  }
}

/** The order 0 … count - 1 shuffled by (seed, stream, index): Fisher-Yates. */
export function shuffledOrder(count: number, sequence: PhiloxSequence): Int32Array {
  const order = Int32Array.from({ length: count }, (_, position) => position);
  for (let last = count - 1; last > 0; last--) {
    const chosen = sequence.nextBelow(last + 1);
    const moved = order[last]!;
    order[last] = order[chosen]!;
    order[chosen] = moved;
  }
  return order;
}
