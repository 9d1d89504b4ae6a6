/**
 * @file Runs anywhere. The stack, marks and memo of one pickle while it is read. A pickle is a program for a small
 * machine; this one has no instruction that could run anything, and every one checks that what it needs is there.
 */
import { depthAround, PickleDict, PickleList, PickleTuple, type PickleValue } from './values.ts';

/** What a pickle may name beside plain values, and how a refusal is said. */
export interface PickleRules {
  /** By "module name" as GLOBAL has it; whatever is not in it is refused. */
  readonly globals: ReadonlyMap<string, PickleValue>;
  /** The object that a persistent id stands for. */
  readonly persistent: (id: PickleValue) => PickleValue;
  /** Says why, as the end of a sentence. */
  readonly refuse: (why: string) => never;
}

const MAX_DEPTH = 1_000;
const LONGEST_NAME = 200;
const NEWLINE = 0x0a;

export class PickleMachine {
  readonly rules: PickleRules;
  readonly #bytes: Buffer;
  readonly #stack: PickleValue[] = [];
  /** Height of the stack at each MARK. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at: number;

  constructor(bytes: Buffer, start: number, rules: PickleRules) {
    this.#bytes = bytes;
    this.#at = start;
    this.rules = rules;
  }

  /** Where the next opcode or argument stands. */
  get at(): number {
    return this.#at;
  }

  /** The next bytes, an argument of the opcode before. */
  take(count: number): Buffer {
    const start = this.#at;
    // Compared before anything is sliced or allocated: a length may claim four gigabytes.
    if (count > this.#bytes.length - start)
      this.rules.refuse(`its pickle claims ${count} bytes at ${start}, but it ends before that`);
    this.#at = start + count;
    return this.#bytes.subarray(start, this.#at);
  }

  /** Text up to the next line end, as GLOBAL's two arguments are written. */
  line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + LONGEST_NAME + 1).indexOf(NEWLINE);
    if (end < 0) return this.rules.refuse(`its pickle has a name at ${this.#at} that does not end`);
    const text = this.take(end + 1).toString('latin1', 0, end);
    if (!/^[\x20-\x7e]*$/.test(text)) this.rules.refuse('its pickle has a name of other letters than ASCII');
    return text;
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.length > this.#floor() ? this.#stack.pop() : undefined;
    return value === undefined ? this.#underflow() : value;
  }

  /** The value on top, which stays there. */
  top(): PickleValue {
    const value = this.#stack.length > this.#floor() ? this.#stack.at(-1) : undefined;
    return value === undefined ? this.#underflow() : value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
    if (this.#marks.length > MAX_DEPTH) this.#tooDeep();
  }

  /** Everything above the last mark, and the mark itself, go. */
  popToMark(): PickleValue[] {
    const height = this.#marks.pop();
    if (height === undefined) return this.rules.refuse('its pickle needs a MARK that is not there');
    return this.#stack.splice(height);
  }

  memorise(index: number): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined)
      this.rules.refuse(`its pickle refers to entry ${index} of its memo, which is not there`);
    this.push(value);
  }

  pushTuple(items: readonly PickleValue[]): void {
    if (depthAround(items) > MAX_DEPTH) this.#tooDeep();
    this.push(new PickleTuple(items));
  }

  /** Adds to the list on top. */
  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!(list instanceof PickleList)) this.rules.refuse('its pickle appends to what is not a list');
    list.depth = Math.max(list.depth, depthAround(items));
    if (list.depth > MAX_DEPTH) this.#tooDeep();
    for (const item of items) list.items.push(item);
  }

  /** Sets entries of the dict on top: a key, its value, the next key. */
  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict)) this.rules.refuse('its pickle sets an item of what is not a dict');
    if (items.length % 2 !== 0) this.rules.refuse('its pickle has a key without a value');
    dict.depth = Math.max(dict.depth, depthAround(items));
    if (dict.depth > MAX_DEPTH) this.#tooDeep();
    for (let at = 0; at < items.length; at += 2) {
      const key = items[at]!;
      if (typeof key !== 'string' && typeof key !== 'number')
        this.rules.refuse('its pickle has a key that is neither text nor a number');
      if (dict.entries.has(key))
        this.rules.refuse(`the name ${shown(key)} stands twice in a dict of its pickle`);
      dict.entries.set(key, items[at + 1]!);
    }
  }

  /** What STOP leaves: exactly one value. */
  result(): PickleValue {
    if (this.#stack.length !== 1 || this.#marks.length !== 0)
      this.rules.refuse(`its pickle stops with ${this.#stack.length} values on its stack instead of one`);
    return this.pop();
  }

  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  #underflow(): never {
    return this.rules.refuse(`its pickle takes a value from an empty stack at ${this.#at}`);
  }

  #tooDeep(): never {
    return this.rules.refuse(`its pickle nests more than ${MAX_DEPTH} deep`);
  }
}

/** Text from a file as it may be shown: quoted, escaped, and not endless. */
export function shown(text: string | number): string {
  const short = String(text);
  return JSON.stringify(short.length > 80 ? `${short.slice(0, 80)}…` : short);
}
