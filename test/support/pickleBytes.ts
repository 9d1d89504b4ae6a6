/** @file Tests. Writes pickles opcode by opcode: such as Python writes, and such as nobody should read. */

const PROTO_2 = Buffer.from([0x80, 2]);
const STOP = Buffer.from('.');

/** One letter opcodes, as pickletools shows them. */
export const code = (letters: string): Buffer => Buffer.from(letters, 'latin1');
export const bytes = (...values: number[]): Buffer => Buffer.from(values);

export const NONE = code('N');
export const TRUE = bytes(0x88);
export const FALSE = bytes(0x89);
export const EMPTY_DICT = code('}');
export const EMPTY_LIST = code(']');
export const REDUCE = code('R');

/** A whole pickle of protocol 2. */
export function pickleOf(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([PROTO_2, ...parts, STOP]);
}

export function global(module: string, name: string): Buffer {
  return code(`c${module}\n${name}\n`);
}

export function text(value: string): Buffer {
  const utf8 = Buffer.from(value);
  const front = Buffer.alloc(5);
  front.write('X');
  front.writeUInt32LE(utf8.length, 1);
  return Buffer.concat([front, utf8]);
}

/** In the shortest form, as Python chooses it. */
export function whole(value: number | bigint): Buffer {
  const number = Number(value);
  if (number >= 0 && number < 256) return bytes(0x4b, number);
  if (number >= 0 && number < 65_536) return bytes(0x4d, number & 0xff, number >> 8);
  if (number >= -(2 ** 31) && number < 2 ** 31) {
    const four = Buffer.alloc(5);
    four.write('J');
    four.writeInt32LE(number, 1);
    return four;
  }
  const digits: number[] = [];
  for (let rest = BigInt(value); digits.length < 16; rest >>= 8n) digits.push(Number(rest & 0xffn));
  return bytes(0x8a, digits.length, ...digits);
}

export function tuple(...items: readonly Buffer[]): Buffer {
  return Buffer.concat([code('('), ...items, code('t')]);
}

/** Sets these on the dict before it. */
export function setItems(entries: readonly (readonly [Buffer, Buffer])[]): Buffer {
  return Buffer.concat([code('('), ...entries.flat(), code('u')]);
}

/** Appends these to the list before it. */
export function appends(...items: readonly Buffer[]): Buffer {
  return Buffer.concat([code('('), ...items, code('e')]);
}

export const ORDERED_DICT = Buffer.concat([global('collections', 'OrderedDict'), code(')R')]);
