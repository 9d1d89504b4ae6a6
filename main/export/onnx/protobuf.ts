/**
 * @file Runs anywhere. The wire format of Protocol Buffers, as far as ONNX needs it. A message is a list of chunks with a
 * known length; the bytes of weights are only counted, and put between the chunks when the file is written.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** A whole number from 0 to 2^53 in groups of seven bits, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

const key = (field: number, wireType: number) => varint(field * 8 + wireType);

/** One message; fields are kept in the order in which they are added. */
export class ProtobufMessage {
  readonly #parts: Uint8Array[] = [];

  /** Fields of type int64, int32 or enum, not below 0. */
  addNumber(field: number, value: number): this {
    return this.#push([...key(field, VARINT), ...varint(value)]);
  }

  addFloat(field: number, value: number): this {
    const bytes = new Uint8Array(Float32Array.of(value).buffer);
    return this.#push([...key(field, FIXED_32), ...bytes]);
  }

  addText(field: number, text: string): this {
    return this.addBytes(field, new TextEncoder().encode(text));
  }

  addBytes(field: number, bytes: Uint8Array): this {
    this.addLength(field, bytes.byteLength);
    this.#parts.push(bytes);
    return this;
  }

  /** Repeated numbers, each with a key of its own: what every reader understands. */
  addNumbers(field: number, values: readonly number[]): this {
    for (const value of values) this.addNumber(field, value);
    return this;
  }

  /** Repeated int64 of which some are below 0: ten bytes each, as the format has it. */
  addSignedNumbers(field: number, values: readonly number[]): this {
    for (const value of values) this.#push([...key(field, VARINT), ...signedVarint(value)]);
    return this;
  }

  addMessage(field: number, message: ProtobufMessage): this {
    return this.addBytes(field, message.bytes());
  }

  /** The beginning of a field whose bytes follow from elsewhere, as the last of this message. */
  addLength(field: number, sizeBytes: number): this {
    return this.#push([...key(field, LENGTH_DELIMITED), ...varint(sizeBytes)]);
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.sizeBytes);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return whole;
  }

  get sizeBytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  #push(bytes: number[]): this {
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }
}

function signedVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
