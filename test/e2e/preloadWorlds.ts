/**
 * @file Tests. Electron's contextBridge between two real worlds of a page: nothing is shared, values are cloned, functions
 * and promises are stood for. Its functions are given to the page as text, so they use nothing from outside themselves.
 */

type Coded =
  | { readonly kind: 'function' | 'promise'; readonly id: number }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'list'; readonly items: readonly Coded[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Coded])[] }
  | { readonly kind: 'value'; readonly value: unknown };

type AnyFunction = (...values: unknown[]) => unknown;

interface Call {
  readonly id: number;
  readonly values: readonly Coded[];
  /** The event that carries the answer, before the call returns. */
  readonly answer: string;
}

interface Answer {
  readonly thrown: boolean;
  readonly value: Coded;
}

export interface WorldEnd {
  /** Puts a copy of `api` on the other world's window. */
  expose(name: string, api: object): void;
}

/** One world's end. Events of the document reach both worlds at once; their details are cloned from one to the other. */
export function worldEnd(mine: string, theirs: string): WorldEnd {
  const kept: AnyFunction[] = [];
  let calls = 0;

  const encode = (value: unknown): Coded => {
    if (typeof value === 'function') return { kind: 'function', id: kept.push(value as AnyFunction) - 1 };
    if (value instanceof Promise) {
      const settle = (done: AnyFunction, failed: AnyFunction) => void value.then(done, failed);
      return { kind: 'promise', id: kept.push(settle as AnyFunction) - 1 };
    }
    if (value instanceof Error) return { kind: 'error', message: value.message };
    if (Array.isArray(value)) return { kind: 'list', items: value.map(encode) };
    if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
      return { kind: 'object', entries: Object.entries(value).map(([key, item]) => [key, encode(item)]) };
    return { kind: 'value', value: structuredClone(value) };
  };
  const decode = (coded: Coded): unknown => {
    switch (coded.kind) {
      case 'function':
        return (...values: unknown[]) => call(coded.id, values);
      case 'promise':
        return new Promise((done, failed) => void call(coded.id, [done, failed]));
      case 'error':
        return new Error(coded.message);
      case 'list':
        return coded.items.map(decode);
      case 'object':
        return Object.freeze(Object.fromEntries(coded.entries.map(([key, item]) => [key, decode(item)])));
      case 'value':
        return coded.value;
    }
  };
  const tell = (name: string, detail: unknown) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const call = (id: number, values: readonly unknown[]): unknown => {
    calls++;
    const answer = `${mine} hears ${calls}`;
    let answered: Answer | null = null;
    const take = (event: Event) => {
      answered = (event as CustomEvent<Answer>).detail;
    };
    document.addEventListener(answer, take, { once: true });
    tell(`${theirs} is called`, { id, values: values.map(encode), answer } satisfies Call);
    if (answered === null) throw new Error('The other world is gone.');
    const { thrown, value } = answered as Answer;
    if (thrown) throw decode(value);
    return decode(value);
  };
  document.addEventListener(`${mine} is called`, (event) => {
    const { id, values, answer } = (event as CustomEvent<Call>).detail;
    try {
      tell(answer, { thrown: false, value: encode(kept[id]!(...values.map(decode))) } satisfies Answer);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      tell(answer, { thrown: true, value: encode(error) } satisfies Answer);
    }
  });
  document.addEventListener(`${mine} is given`, (event) => {
    const { name, api } = (event as CustomEvent<{ name: string; api: Coded }>).detail;
    Object.defineProperty(window, name, { value: decode(api), enumerable: true });
  });
  return { expose: (name, api) => void tell(`${theirs} is given`, { name, api: encode(api) }) };
}

/** What the binding of the preload's world carries to the test, as JSON. */
export interface Sent {
  readonly id: number;
  readonly channel: string;
  readonly parameters: readonly unknown[];
}

export interface IpcEnd {
  readonly ipcRenderer: object;
  answer(id: number, value: unknown, error: string | null): void;
  hear(channel: string, value: unknown): void;
}

/** Electron's ipcRenderer, as far as it is used: what cannot be cloned is refused before anything is sent. */
export function ipcEnd(send: (text: string) => void): IpcEnd {
  type Waiting = { readonly done: (value: unknown) => void; readonly failed: (error: Error) => void };
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<string, Set<AnyFunction>>();
  const on = (channel: string) => {
    const known = listeners.get(channel) ?? new Set();
    listeners.set(channel, known);
    return known;
  };
  let asked = 0;
  return {
    ipcRenderer: {
      invoke: async (channel: string, ...parameters: unknown[]) => {
        let cloned: unknown[];
        try {
          cloned = structuredClone(parameters);
        } catch {
          throw new Error('An object could not be cloned.');
        }
        asked++;
        const id = asked;
        const answered = new Promise((done, failed) => waiting.set(id, { done, failed }));
        send(JSON.stringify({ id, channel, parameters: cloned }));
        return await answered;
      },
      on: (channel: string, listener: AnyFunction) => void on(channel).add(listener),
      removeListener: (channel: string, listener: AnyFunction) => void on(channel).delete(listener),
    },
    answer: (id, value, error) => {
      if (error === null) waiting.get(id)?.done(value);
      else waiting.get(id)?.failed(new Error(error));
      waiting.delete(id);
    },
    hear: (channel, value) => {
      for (const listener of on(channel)) listener({ sender: 'Electron' }, value);
    },
  };
}
