/** @file Runs anywhere under Node. Int32Array to BLOB and back; every platform that Node 24 has binaries for is little-endian enough for this. */

/** A view, not a copy. */
export function int32ToBlob(values: Int32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy: a BLOB's bytes may start at any address, and an Int32Array may not. */
export function int32OfBlob(blob: Buffer): Int32Array {
  const values = new Int32Array(blob.byteLength >> 2);
  new Uint8Array(values.buffer).set(blob.subarray(0, values.byteLength));
  return values;
}
