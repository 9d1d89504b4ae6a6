/** @file Runs anywhere under Node. A compact table of 64-bit hashes of pairs, to find duplicates among half a million of them. */

const FIRST_SLOTS = 1 << 12;

/**
 * Which splits each pair has been seen in. A Map of strings would take some 200 MB for SNLI; this takes 9 bytes a
 * slot. Two different pairs with the same 64 bits would count as duplicates: about one chance in 10^8 for SNLI.
 */
export class PairTable {
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  /** Bit s: seen in split s. 0: the slot is free. */
  #splits = new Uint8Array(FIRST_SLOTS);
  #used = 0;
  readonly #hash = new PairHash();

  /**
   * Notes that a pair stands in a split (0 to 7).
   * @returns the splits it was seen in before, bit s for split s; 0 for a new pair.
   */
  add(premise: string, hypothesis: string | null, splitNumber: number): number {
    if (this.#used * 3 >= this.#splits.length * 2) this.#grow();
    this.#hash.of(premise, hypothesis);
    const { high, low } = this.#hash;
    const slot = this.#slotOf(high, low);
    const before = this.#splits[slot]!;
    if (before === 0) {
      this.#used += 1;
      this.#high[slot] = high;
      this.#low[slot] = low;
    }
    this.#splits[slot] = before | (1 << splitNumber);
    return before;
  }

  /** Where the hash stands, or the free slot where it belongs (linear probing). */
  #slotOf(high: number, low: number): number {
    const mask = this.#splits.length - 1;
    let slot = low & mask;
    while (this.#splits[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low))
      slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [high, low, splits] = [this.#high, this.#low, this.#splits];
    const slots = splits.length * 2;
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#splits = new Uint8Array(slots);
    for (let at = 0; at < splits.length; at++) {
      if (splits[at] === 0) continue;
      const slot = this.#slotOf(high[at]!, low[at]!);
      this.#high[slot] = high[at]!;
      this.#low[slot] = low[at]!;
      this.#splits[slot] = splits[at]!;
    }
  }
}

/** Numbers the rows of a file from 0 and tells for each the first row that held the same pair. */
export class FirstRows {
  readonly rows: number[] = [];
  readonly #seen = new Map<bigint, number>();
  readonly #hash = new PairHash();

  add(premise: string, hypothesis: string | null): void {
    this.#hash.of(premise, hypothesis);
    const key = (BigInt(this.#hash.high) << 32n) | BigInt(this.#hash.low);
    const row = this.rows.length;
    const first = this.#seen.get(key) ?? row;
    if (first === row) this.#seen.set(key, row);
    this.rows.push(first);
  }
}

/** A hash of 64 bits that is fed one UTF-16 unit at a time; after the two first lanes of MurmurHash3_x86_128. */
class PairHash {
  high = 0;
  low = 0;

  /** Hashes both sentences, with a unit between them that no text has. */
  of(premise: string, hypothesis: string | null): void {
    this.high = 0x9747b28c;
    this.low = 0x1b873593;
    for (let at = 0; at < premise.length; at++) this.#mix(premise.charCodeAt(at));
    this.#mix(hypothesis === null ? 0x20000 : 0x10000);
    if (hypothesis !== null)
      for (let at = 0; at < hypothesis.length; at++) this.#mix(hypothesis.charCodeAt(at));
    this.high = finish(this.high + this.low);
    this.low = finish(this.low + this.high);
  }

  #mix(unit: number): void {
    let first = Math.imul(unit, 0x239b961b);
    first = Math.imul((first << 15) | (first >>> 17), 0xab0e9789);
    let high = this.high ^ first;
    high = ((high << 19) | (high >>> 13)) + this.low;
    this.high = (Math.imul(high, 5) + 0x561ccd1b) | 0;
    let second = Math.imul(unit, 0xab0e9789);
    second = Math.imul((second << 16) | (second >>> 16), 0x38b34ae5);
    let low = this.low ^ second;
    low = ((low << 17) | (low >>> 15)) + this.high;
    this.low = (Math.imul(low, 5) + 0x0bcaa747) | 0;
  }
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
