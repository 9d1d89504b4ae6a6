/** @file Runs anywhere. What a pickle can hold here: plain values, containers, and objects of the studio's own making. */

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleObject;

/** What a GLOBAL, a call or a persistent id stands for: an object of ours, never one that the pickle describes. */
export abstract class PickleObject {
  /** Words for a person: "a tensor". */
  abstract readonly what: string;
}

/** Something that REDUCE may call. */
export class PickleFunction extends PickleObject {
  readonly what = 'a function';
  readonly call: (given: readonly PickleValue[]) => PickleValue;

  constructor(call: (given: readonly PickleValue[]) => PickleValue) {
    super();
    this.call = call;
  }
}

export class PickleTuple {
  readonly items: readonly PickleValue[];
  readonly depth: number;

  constructor(items: readonly PickleValue[]) {
    this.items = items;
    this.depth = depthAround(items);
  }
}

export class PickleList {
  readonly items: PickleValue[] = [];
  depth = 1;
}

/** A dict; `ordered` when it is an OrderedDict. A Map, so that a key such as `__proto__` is nothing special. */
export class PickleDict {
  readonly ordered: boolean;
  readonly entries = new Map<string | number, PickleValue>();
  depth = 1;

  constructor(ordered: boolean) {
    this.ordered = ordered;
  }
}

/** How deeply containers are nested in a value that holds these. */
export function depthAround(items: readonly PickleValue[]): number {
  let deepest = 0;
  for (const item of items) {
    if (item instanceof PickleTuple || item instanceof PickleList || item instanceof PickleDict)
      deepest = Math.max(deepest, item.depth);
  }
  return deepest + 1;
}

/** What a value is, for messages. */
export function describeValue(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof PickleObject) return value.what;
  if (value instanceof PickleTuple) return 'a tuple';
  if (value instanceof PickleList) return 'a list';
  if (value instanceof PickleDict) return 'a dict';
  if (typeof value === 'string') return 'text';
  return typeof value === 'boolean' ? 'a truth value' : 'a number';
}
