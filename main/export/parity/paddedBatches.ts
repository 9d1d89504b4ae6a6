/** @file Runs anywhere. Encoded pairs as padded batches, as the runtimes of other people take them. Pure. */
import type { EncodedSplit } from '../../data/encoding.ts';
import type { PaddedBatch } from '../modelRunner.ts';

/** @param members which pairs, in the order of the batch; `padId` stands where there is no token. */
export function paddedBatch(split: EncodedSplit, members: readonly number[], padId: number): PaddedBatch {
  const lengths = members.map((member) => split.offsets[member + 1]! - split.offsets[member]!);
  const length = Math.max(...lengths);
  const size = members.length * length;
  const inputIds = new Int32Array(size).fill(padId);
  const attentionMask = new Int32Array(size);
  const segmentIds = new Int32Array(size);
  for (const [row, member] of members.entries()) {
    const at = row * length;
    const from = split.offsets[member]!;
    inputIds.set(split.ids.subarray(from, from + lengths[row]!), at);
    attentionMask.fill(1, at, at + lengths[row]!);
    segmentIds.fill(1, at + split.segmentStarts[member]!, at + lengths[row]!);
  }
  return { pairs: members.length, length, inputIds, attentionMask, segmentIds };
}

/** Members in batches of `size`, in their order. */
export function batchesOf(members: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(members.length / size) }, (_, batch) =>
    members.slice(batch * size, (batch + 1) * size),
  );
}
