/**
 * @file Runs in the page. An answer of the studio that is kept up to date: one question is under way at a time, what
 * becomes out of date meanwhile is asked once more afterwards, and what could not be asked is asked again later.
 */
export class Upkeep {
  readonly #ask: () => Promise<void>;
  #due = false;
  #asking: Promise<void> | null = null;

  /** `ask` asks, and keeps the answer. It throws when there is none. */
  constructor(ask: () => Promise<void>) {
    this.#ask = ask;
  }

  /** The answer is out of date. Settles when it is here, or cannot be had now; never rejects. */
  refresh(): Promise<void> {
    this.#due = true;
    this.#asking ??= this.#work().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** The studio can be reached again: asks for what could not be asked. */
  catchUp(): void {
    if (this.#due) void this.refresh();
  }

  async #work(): Promise<void> {
    while (this.#due) {
      this.#due = false;
      try {
        await this.#ask();
      } catch {
        // Whoever asks tells the person; the banner tells of a lost connection.
        this.#due = true;
        return;
      }
    }
  }
}
