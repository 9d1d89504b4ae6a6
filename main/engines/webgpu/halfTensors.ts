/**
 * @file Node. Tensors whose numbers lie on the device in 16 bits. To tfjs they are float32: their shape and type say nothing of
 * it. Our own programs read and write them where they say so; for everything else they are converted on the way
 * (halfConversions.ts).
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';

/** What the numbers of each such tensor are multiplied by, a power of two, by the tensor's data. */
const scales = new WeakMap<object, number>();

/** Of a new tensor, before anything was written to it. @throws Error where numbers do not lie in fours */
export function markHalf({ dataId, shape }: TensorInfo, scale: number): void {
  if ((shape.at(-1) ?? 1) % 4 !== 0) throw new Error(`Rows of [${shape}] cannot lie in 16 bits.`);
  scales.set(dataId, scale);
}

/** Null for a tensor in 32 bits. */
export const halfScaleOf = (dataId: object): number | null => scales.get(dataId) ?? null;

/** What a number of the tensor takes on the device. */
export const bytesOfNumber = (dataId: object) => (scales.has(dataId) ? 2 : 4);
