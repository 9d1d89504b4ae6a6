/** @file Runs anywhere. The last few values of something that is costly to make; the least recently used goes first. */

export class RecentlyUsed<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#most && oldest !== undefined) this.#values.delete(oldest);
  }

  /** The value under the key, made when it is not there; what fails is not kept. */
  async getOrMake<Kept>(
    this: RecentlyUsed<Promise<Kept>>,
    key: string,
    make: () => Promise<Kept>,
  ): Promise<Kept> {
    const known = this.get(key);
    if (known !== undefined) return await known;
    const made = make();
    this.set(key, made);
    try {
      return await made;
    } catch (thrown) {
      this.#values.delete(key);
      throw thrown;
    }
  }
}
