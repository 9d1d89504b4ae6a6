/** @file Runs anywhere. Tells whether the sentences of a table are split into tokens already. */

const MIN_SENTENCES = 20;
const MAX_ATTACHED_SHARE = 0.02;
const ATTACHED_END = /[\p{L}\p{N}][.!?]$/u;
const SEPARATE_END = / [.!?]$/;

/** Looks at how sentences end: "a man ." is split, "a man." is not; abbreviations make a few exceptions. */
export class TokenisedTally {
  #attached = 0;
  #separate = 0;

  add(sentence: string): void {
    if (SEPARATE_END.test(sentence)) this.#separate += 1;
    else if (ATTACHED_END.test(sentence)) this.#attached += 1;
  }

  /** False when too few sentences end in a way that tells. */
  get tokenised(): boolean {
    return (
      this.#separate >= MIN_SENTENCES &&
      this.#attached <= MAX_ATTACHED_SHARE * (this.#attached + this.#separate)
    );
  }
}
