/** @file Node. Our own WebAssembly kernels (folder wasm/), running on the memory of tfjs' wasm backend. */

import { readFile } from 'node:fs/promises';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type * as tf from '@tensorflow/tfjs-core';
import { StudioError } from '../../../shared/errors.ts';
import { resourcePath } from '../../files/resources.ts';

/** A kernel takes and returns plain numbers: addresses in bytes, counts, factors. */
type Kernel = (...numbers: number[]) => number;

export const KERNEL_FILE = resourcePath('kernels.wasm');

/** The part of Emscripten's module that tfjs' types leave out. */
interface EmscriptenModule {
  readonly asm: { readonly memory: WebAssembly.Memory };
  readonly HEAP32: Int32Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
}

export class KernelModule {
  readonly backend: BackendWasm;
  readonly #exports: ReadonlyMap<string, Kernel>;
  readonly #module: EmscriptenModule;
  #workspace = 0;
  #workspaceBytes = 0;

  private constructor(backend: BackendWasm, module: EmscriptenModule, exports: ReadonlyMap<string, Kernel>) {
    this.backend = backend;
    this.#module = module;
    this.#exports = exports;
  }

  static async load(backend: BackendWasm): Promise<KernelModule> {
    const module = backend.wasm as unknown as EmscriptenModule;
    checkAllocations(module);
    const bytes = new Uint8Array(await readFile(KERNEL_FILE));
    try {
      const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: module.asm.memory } });
      return new KernelModule(
        backend,
        module,
        new Map(Object.entries(instance.exports) as [string, Kernel][]),
      );
    } catch (cause) {
      throw new StudioError('ENGINE_FAILED', `The wasm kernels cannot be loaded: ${String(cause)}.`, {
        nextStep: 'They need WebAssembly with relaxed SIMD, which Node 22 and later have.',
        cause,
      });
    }
  }

  call(name: string, ...numbers: number[]): number {
    return this.#exports.get(name)!(...numbers);
  }

  /** Byte address of a tensor's values. */
  address(tensor: tf.TensorInfo): number {
    return this.backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** A new tensor whose memory is not initialised. */
  output(shape: number[], dtype: tf.DataType = 'float32'): tf.TensorInfo {
    return this.backend.makeOutput(shape, dtype);
  }

  /**
   * Scratch memory for one kernel call, with the given index arrays copied to its beginning. It is reused by the next
   * call and grows when needed.
   */
  workspace(bytes: number, ...indices: readonly Int32Array[]): { indices: number[]; scratch: number } {
    const needed = indices.reduce((sum, array) => sum + aligned(array.byteLength), 0) + bytes;
    if (needed > this.#workspaceBytes) {
      if (this.#workspace !== 0) this.#module._free(this.#workspace);
      this.#workspace = 0;
      this.#workspaceBytes = 0;
      const sizeBytes = Math.ceil(needed * 1.25) + 64;
      this.#workspace = this.#module._malloc(sizeBytes) >>> 0;
      this.#workspaceBytes = sizeBytes;
    }
    let at = this.#workspace;
    const addresses = indices.map((array) => {
      const address = at;
      this.#module.HEAP32.set(array, address >>> 2);
      at += aligned(array.byteLength);
      return address;
    });
    return { indices: addresses, scratch: at };
  }
}

/** Rounded up to 16; addresses above 2 GiB stay positive. */
const aligned = (bytes: number) => Math.ceil(bytes / 16) * 16;

const CHECKED = 'checkedMalloc';
const MOST_BYTES = 2 ** 32 - 1;

/** tfjs does not look at what malloc says and would write to address 0, over everything that lies there. */
function checkAllocations(module: EmscriptenModule): void {
  // Emscripten's first call replaces the function by the real one; it must not replace ours.
  module._free(module._malloc(16));
  const allocate = module._malloc;
  if (allocate.name === CHECKED) return;
  module._malloc = (bytes) => {
    // It takes 32 bits of the number, and would find room for a fraction.
    if (bytes > MOST_BYTES) throw outOfMemory();
    let address: number;
    try {
      address = allocate(bytes);
    } catch (cause) {
      // Near its end the allocator traps instead of answering.
      throw outOfMemory(cause);
    }
    if (address === 0 && bytes > 0) throw outOfMemory();
    return address;
  };
  Object.defineProperty(module._malloc, 'name', { value: CHECKED });
}

function outOfMemory(cause?: unknown): StudioError {
  return new StudioError('OUT_OF_MEMORY', 'The wasm engine has no memory left: it can use 4 GiB at most.', {
    nextStep: 'Try a smaller --micro-batch-tokens or a smaller network, or the engine tensorflow.',
    cause,
  });
}
