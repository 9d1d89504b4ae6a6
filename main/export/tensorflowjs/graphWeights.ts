/**
 * @file Node. The numbers of a TensorFlow.js graph: one stream of bytes that is cut into shards, described by a manifest.
 */
import { asFloat16, bytesOf, transposed } from '../compactWeights.ts';
import type { ExportedWeights } from '../exportedModel.ts';

/** What browsers like to cache (the converter's own choice). */
export const SHARD_BYTES = 4 << 20;

export interface GraphWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  /** float16 is widened to float32 when it is loaded. */
  readonly storedAs: 'float32' | 'float16' | 'int32';
  read(): Promise<Uint8Array>;
}

const BYTES = { float32: 4, float16: 2, int32: 4 } as const;

export function weightBytes({ shape, storedAs }: GraphWeight): number {
  return shape.reduce((product, size) => product * size, BYTES[storedAs]);
}

/** An entry of `weightsManifest`. */
export function manifestEntry({ name, shape, dtype, storedAs }: GraphWeight): object {
  const entry = { name, shape, dtype };
  if (storedAs !== 'float16') return entry;
  return { ...entry, quantization: { dtype: 'float16', original_dtype: 'float32' } };
}

export interface WeightPlace {
  readonly name: string;
  readonly shape: readonly number[];
  /** As MatMul wants the weight of a Linear: [in, out]. */
  readonly isTransposed: boolean;
  readonly half: boolean;
}

export function modelWeight(weights: ExportedWeights, place: WeightPlace): GraphWeight {
  const { name, shape, isTransposed, half } = place;
  const [rows, columns] = shape as readonly [number, number];
  return {
    name,
    shape: isTransposed ? [columns, rows] : shape,
    dtype: 'float32',
    storedAs: half ? 'float16' : 'float32',
    read: async () => {
      const values = await weights.read(name);
      const turned = isTransposed ? transposed(values, rows, columns) : values;
      return bytesOf(half ? asFloat16(turned, name) : turned);
    },
  };
}

export function constantWeight(
  name: string,
  shape: readonly number[],
  values: Float32Array | Int32Array,
): GraphWeight {
  const dtype = values instanceof Float32Array ? 'float32' : 'int32';
  return { name, shape, dtype, storedAs: dtype, read: async () => bytesOf(values) };
}

/** Names of the shards for so many bytes; one even for none. */
export function shardNames(bytes: number): string[] {
  const count = Math.max(1, Math.ceil(bytes / SHARD_BYTES));
  return Array.from({ length: count }, (_, shard) => `group1-shard${shard + 1}of${count}.bin`);
}

/** The weights' bytes in pieces of which none crosses the border of two shards. */
export async function* shardPieces(
  weights: readonly GraphWeight[],
): AsyncGenerator<{ readonly shard: number; readonly bytes: Uint8Array }> {
  let at = 0;
  for (const weight of weights) {
    const bytes = await weight.read();
    for (let start = 0; start < bytes.byteLength; ) {
      const room = SHARD_BYTES - (at % SHARD_BYTES);
      const piece = bytes.subarray(start, start + room);
      yield { shard: Math.floor(at / SHARD_BYTES), bytes: piece };
      at += piece.byteLength;
      start += piece.byteLength;
    }
  }
}
