/** @file Node. The header of a safetensors file, believed only as far as it agrees with itself and the file's size. */
import { z } from 'zod';
import { doubtfulJson } from './strictJson.ts';
import { LAYOUTS, MAX_HEADER_BYTES, MAX_RANK, MAX_TENSORS, METADATA_KEY } from './tensorTypes.ts';

export interface HeaderEntry {
  readonly name: string;
  /** A key of LAYOUTS. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Numbers in the tensor. */
  readonly count: number;
  /** First byte and the one after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes; together they cover the data without hole or overlap. */
  readonly entries: readonly HeaderEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data starts in the file. */
  readonly dataStart: number;
}

/** Says why the file is refused, as the end of a sentence. */
export type Refuse = (why: string) => never;

// int() takes safe integers only.
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.number().int().min(0)),
  data_offsets: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
});

/**
 * Reads and checks the header of a file.
 * @param bytes the file, or its beginning with the whole header in it (`headerBytes` tells how much that is)
 */
export function readHeader(
  bytes: Uint8Array,
  refuse: Refuse,
  fileBytes: number = bytes.byteLength,
): SafetensorsHeader {
  const { text, dataStart } = headerText(bytes, fileBytes, refuse);
  const fields = parseObject(text, refuse);
  const metadata = new Map<string, string>();
  const entries: HeaderEntry[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (!name.isWellFormed()) refuse('a name in its header is not Unicode text');
    if (name === METADATA_KEY) readMetadata(value, metadata, refuse);
    else entries.push(readEntry(name, value, refuse));
    if (entries.length > MAX_TENSORS) refuse(`it holds more than ${MAX_TENSORS} tensors`);
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, fileBytes - dataStart, refuse);
  return { entries, metadata, dataStart };
}

/** A name as it may be shown: quoted, escaped, and not endless. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/** How many bytes at the beginning of a file hold its header; never more than a header may have, or the file has. */
export function headerBytes(first8: Uint8Array, fileBytes: number): number {
  if (first8.byteLength < 8) return first8.byteLength;
  const length = new DataView(first8.buffer, first8.byteOffset, 8).getBigUint64(0, true);
  return length > BigInt(MAX_HEADER_BYTES) ? 8 : Math.min(8 + Number(length), fileBytes);
}

function headerText(
  bytes: Uint8Array,
  fileBytes: number,
  refuse: Refuse,
): { text: string; dataStart: number } {
  if (bytes.byteLength < 8)
    refuse(`it has ${bytes.byteLength} bytes, fewer than the 8 of the smallest header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES))
    refuse(`its header claims ${length} bytes, more than ${MAX_HEADER_BYTES}`);
  const dataStart = 8 + Number(length);
  if (dataStart > fileBytes) refuse(`its header claims ${length} bytes, but the file ends before that`);
  if (bytes[8] !== 0x7b || length === 0n) refuse('its header does not start with "{"');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart));
    return { text, dataStart };
  } catch {
    return refuse('its header is not UTF-8 text');
  }
}

function parseObject(text: string, refuse: Refuse): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse('its header is not JSON');
  }
  const doubt = doubtfulJson(text);
  if (doubt !== null) refuse(`its header is ambiguous: ${doubt}`);
  // Text that starts with "{" cannot be anything else, but the compiler does not know.
  return typeof value === 'object' && value !== null ? value : refuse('its header is not an object');
}

function readMetadata(value: unknown, into: Map<string, string>, refuse: Refuse): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(`${METADATA_KEY} is not an object`);
  for (const [key, text] of Object.entries(value as object)) {
    if (typeof text !== 'string') refuse(`${METADATA_KEY} ${quoted(key)} is not text`);
    if (!key.isWellFormed() || !text.isWellFormed())
      refuse(`${METADATA_KEY} ${quoted(key)} is not Unicode text`);
    into.set(key, text);
  }
}

function readEntry(name: string, value: unknown, refuse: Refuse): HeaderEntry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success)
    return refuse(
      `tensor ${quoted(name)} is not described by a type, a shape and two offsets in whole numbers`,
    );
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const layout = LAYOUTS.get(dtype) ?? refuse(`tensor ${quoted(name)} has the unknown type ${quoted(dtype)}`);
  if (shape.length > MAX_RANK)
    refuse(`tensor ${quoted(name)} has ${shape.length} dimensions, more than ${MAX_RANK}`);
  const count = countOf(shape) ?? refuse(`tensor ${quoted(name)} has an impossible shape`);
  const [begin, end] = offsets;
  if (end < begin) refuse(`tensor ${quoted(name)} ends before it begins`);
  if (end - begin !== count * layout.bytes) {
    refuse(`tensor ${quoted(name)} has ${end - begin} bytes, but its shape needs ${count * layout.bytes}`);
  }
  return { name, dtype, shape, count, begin, end };
}

/** The product of the sizes; null as soon as it leaves the numbers that are exact, even if a 0 follows. */
function countOf(shape: readonly number[]): number | null {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count * 8)) return null;
  }
  return count;
}

/** Every byte of the data belongs to exactly one tensor; what nobody claims could hold anything. */
function checkCoverage(entries: readonly HeaderEntry[], dataBytes: number, refuse: Refuse): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin < covered) refuse(`tensor ${quoted(name)} overlaps the one before it`);
    if (begin > covered) refuse(`${begin - covered} bytes before tensor ${quoted(name)} belong to no tensor`);
    covered = end;
  }
  if (covered > dataBytes) refuse(`its tensors need ${covered} bytes, but the file ends after ${dataBytes}`);
  if (covered < dataBytes) refuse(`${dataBytes - covered} bytes at its end belong to no tensor`);
}
