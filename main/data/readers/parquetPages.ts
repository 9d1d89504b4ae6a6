/**
 * @file Runs anywhere. Looks through the pages of a Parquet column before anything is made of them: what they say about
 * themselves decides how much memory a reader takes, so it must hold together first.
 */

/** A column chunk, and what the footer says about it. */
export interface PagedColumn {
  readonly bytes: Uint8Array;
  /** Of the row group; a flat column has one value a row, nulls counted. */
  readonly rows: number;
}

/** Of the format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, PageHeader. */
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const FIELD = { type: 1, unpackedBytes: 2, packedBytes: 3, data: 5, dictionary: 7, dataV2: 8, values: 1 };
/** Nested structures of a page header are at most statistics in a header. */
const MAX_DEPTH = 8;

type Struct = ReadonlyMap<number, number | Struct>;

/**
 * Bytes of the pages when they are unpacked.
 * @throws Error with the end of a sentence when pages overrun the column, or hold more values than it has rows
 */
export function unpackedBytes({ bytes, rows }: PagedColumn): number {
  const reader = new CompactReader(bytes);
  let total = 0;
  let values = 0;
  while (values < rows) {
    if (reader.isAtEnd) throw new Error(`a column ends after ${values} of ${rows} values`);
    const header = reader.struct();
    const unpacked = numberOf(header, FIELD.unpackedBytes);
    const packed = numberOf(header, FIELD.packedBytes);
    reader.skip(packed);
    if (unpacked < 0) throw new Error('a page has less than no bytes');
    total += unpacked;
    const type = numberOf(header, FIELD.type);
    if (type === DICTIONARY_PAGE) {
      // Every entry of a dictionary takes at least a bit.
      if (valuesIn(header, FIELD.dictionary) > 8 * unpacked)
        throw new Error('a dictionary has more entries than bytes');
      continue;
    }
    if (type !== DATA_PAGE && type !== DATA_PAGE_V2) continue;
    values += valuesIn(header, type === DATA_PAGE ? FIELD.data : FIELD.dataV2);
    if (values > rows) throw new Error(`a column has more values than its ${rows} rows`);
  }
  return total;
}

function valuesIn(header: Struct, field: number): number {
  const part = header.get(field);
  if (part === undefined || typeof part === 'number')
    throw new Error('a page does not say how much it holds');
  const values = numberOf(part, FIELD.values);
  if (values < 0) throw new Error('a page holds less than nothing');
  return values;
}

function numberOf(struct: Struct, field: number): number {
  const value = struct.get(field);
  if (typeof value === 'number') return value;
  throw new Error('a page header lacks a number');
}

/** Thrift's compact protocol, as far as page headers use it: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
class CompactReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#view.byteLength;
  }

  skip(bytes: number): void {
    if (bytes < 0 || bytes > this.#view.byteLength - this.#at)
      throw new Error('a page is longer than its column');
    this.#at += bytes;
  }

  struct(depth = 0): Struct {
    if (depth > MAX_DEPTH) throw new Error('a page header is nested too deeply');
    const fields = new Map<number, number | Struct>();
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return fields;
      id = head >> 4 === 0 ? this.#zigZag() : id + (head >> 4);
      const value = this.#value(type, depth);
      if (value !== null) fields.set(id, value);
    }
  }

  /** Null for what no caller wants. */
  #value(type: number, depth: number): number | Struct | null {
    // The types of the protocol: 1 and 2 are true and false themselves.
    if (type === 1 || type === 2) return null;
    if (type === 4 || type === 5) return this.#zigZag();
    if (type === 6) return this.#passNumber();
    if (type === 3) return this.#pass(1);
    if (type === 7) return this.#pass(8);
    if (type === 8) return this.#pass(this.#unsigned());
    if (type === 12) return this.struct(depth + 1);
    throw new Error('a page header has a field of an unknown type');
  }

  #pass(bytes: number): null {
    this.skip(bytes);
    return null;
  }

  #passNumber(): null {
    while (this.#byte() >= 128);
    return null;
  }

  #byte(): number {
    if (this.isAtEnd) throw new Error('a page header is cut off');
    return this.#view.getUint8(this.#at++);
  }

  /** At most 32 bits. */
  #unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error('a page header has a number without an end');
  }

  #zigZag(): number {
    const value = this.#unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
