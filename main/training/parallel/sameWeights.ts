/** @file Runs in training workers. Whether all workers of a run have the same weights, to the bit. */
import { createHash } from 'node:crypto';
import type { DeviceName } from '../../../shared/devices.ts';
import { StudioError } from '../../../shared/errors.ts';
import type { Parameters } from '../../model/parameters.ts';
import { type GradientExchange, partnerLost } from './gradientExchange.ts';

const HASH_BYTES = 32;

/**
 * Everybody calls it at the same step.
 * @throws StudioError WEIGHTS_DIFFER naming the devices whose weights are not the leader's
 */
export async function requireSameWeights(
  exchange: GradientExchange,
  parameters: Parameters,
  { devices, waiting }: { readonly devices: readonly DeviceName[]; readonly waiting: () => void },
): Promise<void> {
  // Each rank has a stretch of its own, so that a sum brings all of them to everybody.
  const hashes = new Float32Array(exchange.ranks * HASH_BYTES);
  hashes.set(await hashOf(parameters, waiting), exchange.rank * HASH_BYTES);
  await exchange.sum([hashes], waiting);
  const hash = (rank: number) => `${hashes.subarray(rank * HASH_BYTES, (rank + 1) * HASH_BYTES)}`;
  const others = devices.filter((_, rank) => hash(rank) !== hash(0));
  if (others.length === 0) return;
  // The leader tells for all.
  if (exchange.rank > 0) throw partnerLost();
  throw new StudioError(
    'WEIGHTS_DIFFER',
    `The weights on ${others.join(', ')} are no longer those on ${devices[0]}: the devices do not compute alike.`,
    { nextStep: 'Resume the run on one device (runs resume RUN --devices one), or on devices of one kind.' },
  );
}

async function hashOf(parameters: Parameters, waiting: () => void): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for (const { name } of parameters.shapes) {
    const { buffer, byteOffset, byteLength } = (await parameters.get(name).data()) as Float32Array;
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    waiting();
  }
  return hash.digest();
}
