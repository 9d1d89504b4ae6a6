/** @file Node. Our own WebAssembly kernels (folder wasm/), running on the memory of tfjs' wasm backend. */
import { readFile } from 'node:fs/promises';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type * as tf from '@tensorflow/tfjs-core';
import { StudioError } from '../../../shared/errors.ts';

/** A kernel takes and returns plain numbers: addresses in bytes, counts, factors. */
type Kernel = (...numbers: number[]) => number;

export const KERNEL_FILE = new URL('../../../resources/kernels.wasm', import.meta.url);

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
    const bytes = await readFile(KERNEL_FILE);
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
    const tensor = this.backend.makeOutput(shape, dtype);
    // tfjs does not look at what malloc says; address 0 is where everything else would be overwritten.
    if (this.address(tensor) === 0) throw outOfMemory();
    return tensor;
  }

  /**
   * Scratch memory for one kernel call, with the given index arrays copied to its beginning. It is reused by the next
   * call and grows when needed.
   */
  workspace(bytes: number, ...indices: readonly Int32Array[]): { indices: number[]; scratch: number } {
    const needed = indices.reduce((sum, array) => sum + aligned(array.byteLength), 0) + bytes;
    if (needed > this.#workspaceBytes) {
      if (this.#workspace !== 0) this.#module._free(this.#workspace);
      this.#workspaceBytes = Math.ceil(needed * 1.25) + 64;
      this.#workspace = this.#module._malloc(this.#workspaceBytes) >>> 0;
      if (this.#workspace === 0) throw outOfMemory();
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

function outOfMemory(): StudioError {
  return new StudioError('OUT_OF_MEMORY', 'The wasm engine has no memory left: it can use 4 GiB at most.', {
    nextStep: 'Try a smaller --micro-batch-tokens or a smaller network, or the engine tensorflow.',
  });
}
