/**
 * @file Node. Buffers of the device, kept for their next use. tfjs' own pool keeps a buffer for every size that ever
 * was, and batches of real text have no size twice: memory would grow without end.
 */
import type { BufferManager } from '@tensorflow/tfjs-backend-webgpu/dist/buffer_manager.js';
import { StudioError } from '../../../shared/errors.ts';

/** The part of tfjs' pool that its backend and kernels call. */
type Pool = Pick<BufferManager, 'acquireBuffer' | 'releaseBuffer' | 'dispose' | 'numBytesUsed'> &
  Pick<BufferManager, 'numBytesAllocated' | 'getNumFreeBuffers' | 'getNumUsedBuffers'>;

interface FreeBuffer {
  readonly buffer: GPUBuffer;
  /** Counts releases, so that the one that has waited longest is known. */
  readonly releasedAt: number;
  /** False while commands that are recorded and not yet submitted may use it. */
  submitted: boolean;
}

/** Asking Dawn for them takes microseconds, and a step takes and releases hundreds of buffers. */
interface Kind {
  readonly size: number;
  readonly key: string;
}

const SMALLEST_BYTES = 256;
/** A size is rounded up by at most an eighth: the buffer serves its neighbours too. */
const STEPS_PER_DOUBLING = 8;
/** Free buffers beyond the most that was ever used at once, as a share of it, and a floor for small networks. */
const SPARE_SHARE = 0.25;
const SPARE_BYTES = 2 ** 26;

/** What a buffer of so many bytes really has: 1000 -> 1024, 1100 -> 1152. */
export function roundedBytes(bytes: number): number {
  if (bytes <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** Math.floor(Math.log2(bytes)) / STEPS_PER_DOUBLING;
  return Math.ceil(bytes / step) * step;
}

export class BufferPool implements Pool {
  numBytesUsed = 0;
  numBytesAllocated = 0;
  readonly #device: GPUDevice;
  readonly #title: string;
  /** By size and usage; in each the last released is the last. */
  readonly #free = new Map<string, FreeBuffer[]>();
  readonly #used = new Set<GPUBuffer>();
  readonly #kinds = new WeakMap<GPUBuffer, Kind>();
  /** Gone when the commands that are recorded have been submitted. */
  #doomed: GPUBuffer[] = [];
  #releases = 0;
  #mostBytesUsed = 0;

  /** @param title of the GPU, for messages */
  constructor(device: GPUDevice, title: string) {
    this.#device = device;
    this.#title = title;
  }

  /**
   * A buffer of at least so many bytes, for commands that are recorded from here on: they run after those that used it
   * before. With `mappedAtCreation` it is new and mapped; without `reuse` it is new and exactly as large.
   * @throws StudioError OUT_OF_MEMORY when the device has no buffers of that size
   */
  acquireBuffer(
    bytes: number,
    usage: GPUBufferUsageFlags,
    mappedAtCreation = false,
    reuse = true,
  ): GPUBuffer {
    const size = reuse && !mappedAtCreation ? roundedBytes(bytes) : bytes;
    const known = mappedAtCreation || !reuse ? undefined : this.#free.get(keyOf(size, usage))?.pop();
    return this.#take(known?.buffer ?? this.#create(size, usage, mappedAtCreation));
  }

  /** As `acquireBuffer`, for values that are written at once, ahead of all commands that are not yet submitted. */
  acquireForUpload(bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const size = roundedBytes(bytes);
    const free = this.#free.get(keyOf(size, usage)) ?? [];
    const place = free.findLastIndex(({ submitted }) => submitted);
    const [known] = place === -1 ? [] : free.splice(place, 1);
    return this.#take(known?.buffer ?? this.#create(size, usage, false));
  }

  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    if (!this.#used.delete(buffer)) throw new Error('A buffer was released that is not in use.');
    const { size, key } = this.#kinds.get(buffer)!;
    this.numBytesUsed -= size;
    if (!reuse) {
      this.#doomed.push(buffer);
      return;
    }
    const free = this.#free.get(key) ?? [];
    free.push({ buffer, releasedAt: this.#releases++, submitted: false });
    this.#free.set(key, free);
  }

  /** All recorded commands are on their way: what they used may be written, and what is too much may go. */
  submitted(): void {
    for (const free of this.#free.values()) for (const one of free) one.submitted = true;
    for (const buffer of this.#doomed) this.#destroy(buffer);
    this.#doomed = [];
    const most = this.#mostBytesUsed * (1 + SPARE_SHARE) + SPARE_BYTES;
    while (this.numBytesAllocated > most && this.#destroyOldest());
  }

  getNumFreeBuffers(): number {
    return [...this.#free.values()].reduce((sum, free) => sum + free.length, 0);
  }

  getNumUsedBuffers(): number {
    return this.#used.size;
  }

  dispose(): void {
    const free = [...this.#free.values()].flat().map(({ buffer }) => buffer);
    for (const buffer of [...free, ...this.#used, ...this.#doomed]) this.#destroy(buffer);
    this.#free.clear();
    this.#used.clear();
    this.#doomed = [];
    this.numBytesUsed = 0;
  }

  #take(buffer: GPUBuffer): GPUBuffer {
    this.#used.add(buffer);
    this.numBytesUsed += this.#kinds.get(buffer)!.size;
    this.#mostBytesUsed = Math.max(this.#mostBytesUsed, this.numBytesUsed);
    return buffer;
  }

  #create(size: number, usage: GPUBufferUsageFlags, mappedAtCreation: boolean): GPUBuffer {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (size > most) throw tooLarge(size, most, this.#title);
    this.numBytesAllocated += size;
    const buffer = this.#device.createBuffer({ size, usage, mappedAtCreation });
    this.#kinds.set(buffer, { size, key: keyOf(size, usage) });
    return buffer;
  }

  #destroy(buffer: GPUBuffer): void {
    this.numBytesAllocated -= this.#kinds.get(buffer)!.size;
    buffer.destroy();
  }

  #destroyOldest(): boolean {
    let oldest: { free: FreeBuffer[]; releasedAt: number } | null = null;
    for (const free of this.#free.values()) {
      const first = free[0];
      if (first !== undefined && (oldest === null || first.releasedAt < oldest.releasedAt))
        oldest = { free, releasedAt: first.releasedAt };
    }
    const one = oldest?.free.shift();
    if (one === undefined) return false;
    this.#destroy(one.buffer);
    return true;
  }
}

const keyOf = (size: number, usage: number) => `${size} ${usage}`;

function tooLarge(bytes: number, mostBytes: number, title: string): StudioError {
  const mebibytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MiB`;
  return new StudioError(
    'OUT_OF_MEMORY',
    `A tensor of ${mebibytes(bytes)} does not fit: ${title} takes ${mebibytes(mostBytes)} at most in one piece.`,
    { nextStep: 'Try a smaller --micro-batch-tokens: the gradient is the same.' },
  );
}
