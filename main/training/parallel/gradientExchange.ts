/**
 * @file Runs in training workers. How the workers of one run, one a device, act as one: a leader (rank 0) says what comes
 * next, and sums are taken over all of them, in the order of ranks, so that they are the same every time.
 */
import { StudioError } from '../../../shared/errors.ts';
import { LONGEST_COMPILING_MS } from '../../engines/tensorflow/cudaReadiness.ts';
import type { StepPlace } from '../runWork.ts';

/** What the leader says. */
export type CrewOrder =
  | { readonly kind: 'step'; readonly place: StepPlace }
  /** All compare their weights. */
  | { readonly kind: 'compare' }
  /** There is nothing more to do. */
  | { readonly kind: 'end' };

export interface GradientExchange {
  /** From 0, the leader, to below `ranks`. */
  readonly rank: number;
  readonly ranks: number;
  /**
   * Puts the sums over all ranks in place of what is in `parts`; everybody calls it with parts of the same sizes.
   * `waiting` is called again and again while partners are waited for.
   * @throws StudioError PARTNER_LOST when one has left or does not answer
   */
  sum(parts: readonly Float32Array[], waiting: () => void): Promise<void>;
  /** By the leader. @throws as `sum` */
  tell(order: CrewOrder, waiting: () => void): Promise<void>;
  /** By the others, for as long as it takes. @throws as `sum` */
  hear(waiting: () => void): Promise<CrewOrder>;
  /** Whoever still waits for this worker then hears that it has left. */
  close(): void;
}

/** The workers of a run that train it together, as one of them sees them. */
export interface Crew {
  readonly exchange: GradientExchange;
  /** Called again and again while the others are waited for. */
  readonly waiting: () => void;
}

/** This worker's micro-batches among all of an optimizer batch: from `begin` to before `end`. */
export interface CrewShare extends Crew {
  readonly begin: number;
  readonly end: number;
}

/** `shares`: the micro-batches of each rank. -> null where one worker trains alone */
export function shareOf(crew: Crew | null, shares: readonly (readonly unknown[])[]): CrewShare | null {
  if (crew === null) return null;
  const { rank } = crew.exchange;
  const begin = shares.slice(0, rank).reduce((sum, share) => sum + share.length, 0);
  return { ...crew, begin, end: begin + shares[rank]!.length };
}

/** Numbers of a sum that are exchanged at once: 4 MiB, whatever the size of the network. */
export const CHUNK_NUMBERS = 2 ** 20;
/**
 * A worker that computes is watched by its supervisor; this is for what nobody has thought of. Longer than a driver may compile
 * for one GPU of several, while the others wait for its first sum.
 */
export const LONGEST_SILENCE_MS = LONGEST_COMPILING_MS + 10 * 60_000;

export function partnerLost(cause?: unknown): StudioError {
  return new StudioError('PARTNER_LOST', 'Another worker of the run has left.', { cause });
}

export function partnerSilent(): StudioError {
  return new StudioError('PARTNER_LOST', 'Another worker of the run has not answered for more than an hour.');
}

const KINDS = ['step', 'compare', 'end'] as const;
/** Numbers of an order: its kind, epoch, step in the epoch, step, learning rate. */
export const ORDER_NUMBERS = 5;

export function encodeOrder(order: CrewOrder): Float64Array {
  const { epoch, stepInEpoch, step, lr } =
    order.kind === 'step' ? order.place : { epoch: 0, stepInEpoch: 0, step: 0, lr: 0 };
  return Float64Array.of(KINDS.indexOf(order.kind), epoch, stepInEpoch, step, lr);
}

/** @throws StudioError PARTNER_LOST for what no leader says */
export function decodeOrder(numbers: Float64Array): CrewOrder {
  const [kind, epoch = 0, stepInEpoch = 0, step = 0, lr = 0] = numbers;
  const name = KINDS[kind!];
  if (name === undefined || numbers.length !== ORDER_NUMBERS) throw partnerLost();
  return name === 'step' ? { kind: name, place: { epoch, stepInEpoch, step, lr } } : { kind: name };
}

/** Stretches of parts that follow each other: what is exchanged at once. */
export interface Chunk {
  readonly pieces: readonly Float32Array[];
  /** Of all pieces. */
  readonly numbers: number;
}

export function* chunksOf(parts: readonly Float32Array[], most = CHUNK_NUMBERS): Generator<Chunk> {
  let pieces: Float32Array[] = [];
  let numbers = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const piece = part.subarray(at, at + most - numbers);
      pieces.push(piece);
      numbers += piece.length;
      at += piece.length;
      if (numbers < most) continue;
      yield { pieces, numbers };
      [pieces, numbers] = [[], 0];
    }
  }
  if (numbers > 0) yield { pieces, numbers };
}
