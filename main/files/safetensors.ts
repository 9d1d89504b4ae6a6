/**
 * @file Node. Reads and writes the safetensors format: 8 bytes of header length, a JSON header, the numbers. Written
 * here because the format is tiny and the package for it accepts overlaps, holes and short files.
 */
import { StudioError } from '../../shared/errors.ts';
import { quoted, type Refuse, readHeader } from './safetensorsHeader.ts';
import { allFinite, tensorFromBytes } from './tensorBytes.ts';
import {
  LAYOUTS,
  MAX_HEADER_BYTES,
  MAX_RANK,
  MAX_TENSORS,
  METADATA_KEY,
  type NamedTensor,
} from './tensorTypes.ts';

export interface Safetensors {
  /** In the order of the file. Values are views into the file's bytes where their alignment allows it. */
  readonly tensors: Map<string, NamedTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Tensors that the file keeps in 16-bit floats; they are given as F32. */
  readonly widened: ReadonlyMap<string, 'F16' | 'BF16'>;
  /** Tensors that hold NaN or an infinity. */
  readonly nonFinite: readonly string[];
  /** Sentences for a person: what is odd about the file without making it unreadable. */
  readonly warnings: readonly string[];
}

/**
 * The file's bytes in chunks, to be written one after another; the numbers are not copied, so they must not change
 * until then. The same bytes as the reference implementation writes: types from wide to narrow, then names in the
 * order of their UTF-8 bytes.
 * @param metadata the file's own notes; none are written when it is empty
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>> | ReadonlyMap<string, string> = {},
): Uint8Array[] {
  for (const [name, tensor] of tensors) checkEncodable(name, tensor);
  const { header, order } = encodeSafetensorsHeader(tensors, metadata);
  return [header, ...order.map((name) => bytesOf(tensors.get(name)!.values))];
}

/** What the header says of a tensor. */
export type TensorForm = Pick<NamedTensor, 'dtype' | 'shape'>;

/**
 * The beginning of a file whose numbers follow later, tensor by tensor in the order that is given back; see
 * `encodeSafetensors`.
 */
export function encodeSafetensorsHeader(
  tensors: ReadonlyMap<string, TensorForm>,
  metadata: Readonly<Record<string, string>> | ReadonlyMap<string, string> = {},
): { readonly header: Uint8Array; readonly order: readonly string[] } {
  if (tensors.size > MAX_TENSORS) throw new Error(`${tensors.size} tensors are more than ${MAX_TENSORS}`);
  const sorted = [...tensors].sort(([nameA, a], [nameB, b]) => {
    const byWidth = LAYOUTS.get(b.dtype)!.rank - LAYOUTS.get(a.dtype)!.rank;
    return byWidth || Buffer.compare(Buffer.from(nameA), Buffer.from(nameB));
  });
  const notes = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  const fields = notes.length === 0 ? [] : [`"${METADATA_KEY}":${metadataText(notes)}`];
  let offset = 0;
  for (const [name, { dtype, shape }] of sorted) {
    const end = offset + LAYOUTS.get(dtype)!.bytes * shape.reduce((product, size) => product * size, 1);
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    offset = end;
  }
  return { header: headerBytes(`{${fields.join(',')}}`), order: sorted.map(([name]) => name) };
}

/**
 * Reads a whole file. Strict: one meaning, no byte unaccounted for.
 * @param source the file's name, for messages
 * @throws BAD_FILE saying what is wrong with which tensor
 */
export function decodeSafetensors(bytes: Uint8Array, { source }: { source: string }): Safetensors {
  const refuse = safetensorsRefuser(source);
  const { entries, metadata, dataStart } = readHeader(bytes, refuse);
  const tensors = new Map<string, NamedTensor>();
  const widened = new Map<string, 'F16' | 'BF16'>();
  for (const entry of entries) {
    const tensor = tensorFromBytes(entry, bytes.subarray(dataStart + entry.begin, dataStart + entry.end));
    if (tensor.dtype === 'BOOL' && tensor.values.some((value) => value > 1)) {
      refuse(`tensor ${quoted(entry.name)} holds truth values other than 0 and 1`);
    }
    if (entry.dtype === 'F16' || entry.dtype === 'BF16') widened.set(entry.name, entry.dtype);
    tensors.set(entry.name, tensor);
  }
  const nonFinite = [...tensors].filter(([, tensor]) => !allFinite(tensor)).map(([name]) => name);
  return { tensors, metadata, widened, nonFinite, warnings: warningsAbout(nonFinite) };
}

/** How such a file is refused: BAD_FILE, with the reason as the end of a sentence. */
export function safetensorsRefuser(source: string): Refuse {
  return (why) => {
    const nextStep = 'Get the file again from where it came from: it is damaged or not a safetensors file.';
    throw new StudioError('BAD_FILE', `${source} cannot be read: ${why}.`, {
      nextStep,
      place: { file: source },
    });
  };
}

function warningsAbout(nonFinite: readonly string[]): string[] {
  if (nonFinite.length === 0) return [];
  const names = nonFinite.slice(0, 3).map(quoted).join(', ');
  const more = nonFinite.length > 3 ? ` and ${nonFinite.length - 3} more` : '';
  return [`NaN or infinite numbers stand in ${names}${more}.`];
}

function metadataText(notes: readonly [string, string][]): string {
  for (const note of notes) {
    if (!note.every((text) => typeof text === 'string' && text.isWellFormed())) {
      throw new Error(`metadata ${quoted(String(note[0]))} is not Unicode text`);
    }
  }
  // Not by way of an object, which would put keys that look like numbers first.
  return `{${notes.map((note) => note.map((text) => JSON.stringify(text)).join(':')).join(',')}}`;
}

function headerBytes(json: string): Uint8Array {
  const text = Buffer.from(json);
  // Blanks up to a multiple of 8, so that the numbers can be viewed in place.
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw new Error(`a header of ${length} bytes is more than ${MAX_HEADER_BYTES}`);
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length), 0);
  text.copy(header, 8);
  return header;
}

/** Mistakes here are the studio's own, not a file's. */
function checkEncodable(name: string, { dtype, shape, values }: NamedTensor): void {
  const layout = LAYOUTS.get(dtype);
  if (name === METADATA_KEY || !name.isWellFormed())
    throw new Error(`a tensor cannot be called ${quoted(name)}`);
  if (layout?.array !== values[Symbol.toStringTag]) {
    throw new Error(
      `tensor ${quoted(name)} of type ${dtype} cannot be kept in a ${values[Symbol.toStringTag]}`,
    );
  }
  const isShape = shape.length <= MAX_RANK && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isShape || shape.reduce((product, size) => product * size, 1) !== values.length) {
    throw new Error(
      `tensor ${quoted(name)} of shape [${shape.join(', ')}] cannot have ${values.length} values`,
    );
  }
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
