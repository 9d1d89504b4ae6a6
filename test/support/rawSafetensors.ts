/** @file Tests. Safetensors files made by hand, right or wrong. */

/** A file with that header text and data; the length in front is the header's unless another is given. */
export function rawSafetensors(
  header: string | Uint8Array,
  data: Iterable<number> = [],
  length?: bigint,
): Buffer {
  const text = Buffer.from(header as string);
  const front = Buffer.alloc(8);
  front.writeBigUInt64LE(length ?? BigInt(text.byteLength));
  return Buffer.concat([front, text, Uint8Array.from(data)]);
}
