/**
 * @file Node. Index arrays that JavaScript made (offsets, labels, ids) as buffers on the device: one upload for each
 * array object, however many programs of a step read it. An array must not change once a program has read it.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

export type HostArray = Int32Array | Uint32Array | Float32Array;

interface Uploaded {
  readonly buffer: GPUBuffer;
  lastSubmit: number;
}

/** An array that no program has read for so many submits is let go: a step is a few submits. */
const KEPT_SUBMITS = 8;
/** Buffers come in few sizes, so that they are found again in tfjs' pool. */
const SMALLEST_BYTES = 256;

export class HostArrays {
  readonly #backend: WebGPUBackend;
  readonly #uploaded = new Map<HostArray, Uploaded>();
  #submits = 0;

  constructor(backend: WebGPUBackend) {
    this.#backend = backend;
  }

  /** The array on the device; it is not empty. */
  bufferOf(array: HostArray): GPUBuffer {
    const known = this.#uploaded.get(array);
    if (known !== undefined) {
      known.lastSubmit = this.#submits;
      return known.buffer;
    }
    const size = 2 ** Math.ceil(Math.log2(Math.max(SMALLEST_BYTES, array.byteLength)));
    // Their usage differs from that of tensors: no recorded command can still be reading what the pool hands out.
    const buffer = this.#backend.bufferManager.acquireBuffer(
      size,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    );
    this.#backend.queue.writeBuffer(buffer, 0, array as GPUAllowSharedBufferSource);
    this.#uploaded.set(array, { buffer, lastSubmit: this.#submits });
    return buffer;
  }

  /** After the commands have been submitted. */
  submitted(): void {
    this.#submits++;
    for (const [array, { buffer, lastSubmit }] of this.#uploaded) {
      if (this.#submits - lastSubmit <= KEPT_SUBMITS) continue;
      this.#uploaded.delete(array);
      this.#backend.bufferManager.releaseBuffer(buffer);
    }
  }
}
