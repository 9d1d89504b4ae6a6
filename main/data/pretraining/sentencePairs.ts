/**
 * @file Runs anywhere under Node. The sentence pairs of an epoch of pretraining, drawn anew for each (book.md 7): every
 * sentence with the one that follows it, or in half the cases with any other. Decided by (seed, epoch, pair) alone, so
 * that a run that goes on after a kill draws the same ones, on however many threads.
 */
import { PhiloxSequence, STREAMS, shuffledOrder } from '../../model/philox.ts';
import { adjacentPairs, type EncodedText } from './encodedText.ts';

/** `<cls> … <sep> … <sep>` */
const SPECIAL_TOKENS = 3;

export interface DrawnPairs {
  /** [pairs] the first sentence of each pair, the second one, and 1 where that follows it, else 0 */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly isNext: Int32Array;
  /** [pairs] the number under which a pair's masks are drawn */
  readonly draw: Int32Array;
}

export interface DrawOptions {
  readonly seed: number;
  readonly epoch: number;
  /** Longest pair in tokens, special tokens included. */
  readonly maxLen: number;
}

/** How many pairs an epoch has, and how many of the first epoch's draw were too long (the book leaves those out). */
export interface EpochSize {
  readonly pairs: number;
  readonly tooLong: number;
}

/** An epoch is as long as the first one's draw: a schedule needs a number of steps that never changes. */
export function epochSize(text: EncodedText, options: Omit<DrawOptions, 'epoch'>): EpochSize {
  const draws = new Draws(text, { ...options, epoch: 0 });
  const candidates = draws.candidates;
  let pairs = 0;
  for (let number = 0; number < candidates; number++) if (draws.draw(number) !== null) pairs++;
  return { pairs, tooLong: candidates - pairs };
}

/**
 * `pairs` pairs in the order in which they are trained. Where chance gives an epoch fewer that fit, sentences are drawn a
 * second time; where it gives more, those that come last after shuffling wait for another epoch.
 */
export function drawPairs(text: EncodedText, pairs: number, options: DrawOptions): DrawnPairs {
  const draws = new Draws(text, options);
  const drawn: Draw[] = [];
  // Every number below the candidates is tried, so that no sentence is left out for standing late in the text.
  for (let number = 0; number < draws.candidates || drawn.length < pairs; number++) {
    const draw = draws.draw(number);
    if (draw !== null) drawn.push(draw);
  }
  const sequence = new PhiloxSequence(options.seed, STREAMS.shuffle, options.epoch);
  const order = shuffledOrder(drawn.length, sequence).subarray(0, pairs);
  const column = (of: (draw: Draw) => number) => Int32Array.from(order, (place) => of(drawn[place]!));
  return {
    first: column((draw) => draw.first),
    second: column((draw) => draw.second),
    isNext: column((draw) => draw.isNext),
    draw: column((draw) => draw.number),
  };
}

interface Draw {
  readonly number: number;
  readonly first: number;
  readonly second: number;
  readonly isNext: 0 | 1;
}

class Draws {
  readonly #text: EncodedText;
  readonly #options: DrawOptions;
  readonly #firsts: Int32Array;

  constructor(text: EncodedText, options: DrawOptions) {
    this.#text = text;
    this.#options = options;
    this.#firsts = adjacentPairs(text);
  }

  get candidates(): number {
    return this.#firsts.length;
  }

  /** The pair of a number; numbers beyond the candidates go round again. Null when it is too long. */
  draw(number: number): Draw | null {
    const { seed, epoch, maxLen } = this.#options;
    const { sentenceOffsets: offsets, paragraphOffsets } = this.#text;
    const first = this.#firsts[number % this.candidates]!;
    const sequence = new PhiloxSequence(seed, STREAMS.nextSentence, number, epoch);
    const isNext = sequence.nextWord() >>> 31 === 0;
    let second = first + 1;
    if (!isNext) {
      const paragraph = sequence.nextBelow(paragraphOffsets.length - 1);
      const begin = paragraphOffsets[paragraph]!;
      second = begin + sequence.nextBelow(paragraphOffsets[paragraph + 1]! - begin);
    }
    const tokens =
      offsets[first + 1]! - offsets[first]! + offsets[second + 1]! - offsets[second]! + SPECIAL_TOKENS;
    return tokens > maxLen ? null : { number, first, second, isNext: isNext ? 1 : 0 };
  }
}
