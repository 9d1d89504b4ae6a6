/** @file Runs anywhere. How a Parquet file is told from text, without loading what reads one. */

const MAGIC = [0x50, 0x41, 0x52, 0x31];

/** True for the first bytes of a Parquet file: "PAR1". */
export function isParquet(head: Uint8Array): boolean {
  return MAGIC.every((byte, at) => head[at] === byte);
}
