/** @file Runs anywhere under Node. Int32Array to BLOB and back; every platform that Node 24 has binaries for is little-endian enough for this. */

/** A view, not a copy. */
export function int32ToBlob(values: Int32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** The numbers of a BLOB: a view where its address allows one, else a copy. */
export function int32OfBlob(blob: Buffer): Int32Array {
  const length = blob.byteLength >> 2;
  if (blob.byteOffset % 4 === 0) return new Int32Array(blob.buffer, blob.byteOffset, length);
  const values = new Int32Array(length);
  new Uint8Array(values.buffer).set(blob.subarray(0, values.byteLength));
  return values;
}

/**
 * Gives the memory of arrays back at once; they must own their buffers and are empty afterwards. The collector would
 * let some 64 MB of such garbage pile up, for to JavaScript the arrays are small.
 */
export function freeArrays(arrays: Iterable<Int32Array>): void {
  for (const array of arrays) {
    const buffer = array.buffer;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === array.byteLength) buffer.transfer(0);
  }
}
