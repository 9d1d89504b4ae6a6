/**
 * @file Node. The tfjs backend `native`: tensors are handles to buffers on the Rust side. A buffer is shared by all
 * tensors of the same data (reshapes, clones) and freed with the last of them.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BufferType, Handle, NativeBinding, NativeMemory, Precision } from './binding.ts';

/** The values of a tensor of a type that the border does not know: they stay here, for tfjs' own cpu kernels. */
type HostValues = Uint8Array[] | { readonly real: tf.TensorInfo; readonly imag: tf.TensorInfo };

interface Stored {
  readonly dtype: tf.DataType;
  /** null for strings and complex numbers */
  readonly handle: Handle | null;
  readonly host: HostValues | null;
  refCount: number;
}

export interface KernelTime {
  calls: number;
  ms: number;
}

/** What tfjs hands over: typed arrays, plain numbers, encoded strings. */
type GivenValues =
  | tf.backend_util.TypedArray
  | readonly number[]
  | readonly boolean[]
  | Uint8Array[]
  | string[];

export const BACKEND_NAME = 'native';

export class NativeBackend extends tf.KernelBackend {
  readonly binding: NativeBinding;
  /** Of matrix products. */
  precision: Precision = 'fp32';
  /** How often tfjs' cpu kernels had to do the work, by kernel: training and evaluation need none. */
  readonly fallbacks = new Map<string, number>();
  /** Calls and milliseconds by kernel, while somebody wants to know. */
  timings: Map<string, KernelTime> | null = null;
  readonly #data: tf.DataStorage<Stored>;
  /** Everything that is not yet freed, for `dispose`. */
  readonly #handles = new Set<Handle>();

  constructor(binding: NativeBinding) {
    super();
    this.binding = binding;
    this.#data = new tf.DataStorage(this, tf.engine());
  }

  /** The buffer of a tensor. @throws Error for one that is gone, or of a type that lives on the host */
  handleOf(tensor: tf.TensorInfo): Handle {
    const { handle } = this.#data.get(tensor.dataId);
    if (handle === null) throw new Error(`A tensor of type ${tensor.dtype} has no buffer.`);
    return handle;
  }

  /** Takes a new buffer over. */
  tensor(handle: Handle, shape: readonly number[], dtype: BufferType = 'float32'): tf.TensorInfo {
    const dataId = {};
    this.#handles.add(handle);
    this.#data.set(dataId, { dtype, handle, host: null, refCount: 1 });
    return { dataId, shape: [...shape], dtype };
  }

  /** The same data in another shape. */
  alias(tensor: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: [...shape], dtype: tensor.dtype };
  }

  override write(values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.#data.set(dataId, this.#stored(values, shape, dtype));
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.#data.set(dataId, { ...this.#stored(values, shape, dtype), refCount });
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override readSync(dataId: object): tf.BackendValues {
    const { handle, host } = this.#data.get(dataId);
    if (handle !== null) return this.binding.read(handle);
    if (Array.isArray(host)) return host;
    const { real, imag } = host!;
    const [reals, imaginaries] = [real, imag].map((part) => this.readSync(part.dataId) as Float32Array);
    return tf.backend_util.mergeRealAndImagArrays(reals!, imaginaries!);
  }

  /** @returns false when other tensors still need the data. */
  override disposeData(dataId: object, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const stored = this.#data.get(dataId);
    stored.refCount--;
    if (!force && stored.refCount > 0) return false;
    if (stored.handle !== null) {
      this.#handles.delete(stored.handle);
      this.binding.free(stored.handle);
    } else if (!Array.isArray(stored.host)) {
      for (const part of [stored.host!.real, stored.host!.imag]) this.disposeData(part.dataId, true);
    }
    this.#data.delete(dataId);
    return true;
  }

  override refCount(dataId: object): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).refCount : 0;
  }

  override incRef(dataId: object): void {
    this.#data.get(dataId).refCount++;
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override memory(): NativeMemory & { unreliable: boolean } {
    return { unreliable: false, ...this.binding.memory() };
  }

  override async time(work: () => void): Promise<tf.BackendTimingInfo> {
    const beganMs = performance.now();
    work();
    return { kernelMs: performance.now() - beganMs };
  }

  /** Runs a kernel; kernels do not return before they are done. */
  timed<Result>(kernel: string, run: () => Result): Result {
    if (this.timings === null) return run();
    const beganMs = performance.now();
    const result = run();
    const time = this.timings.get(kernel) ?? { calls: 0, ms: 0 };
    time.calls++;
    time.ms += performance.now() - beganMs;
    this.timings.set(kernel, time);
    return result;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override dispose(): void {
    for (const handle of this.#handles) this.binding.free(handle);
    this.#handles.clear();
    this.binding.releasePool();
  }

  #stored(values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): Stored {
    const common = { dtype, refCount: 1 };
    if (dtype === 'string')
      return { ...common, handle: null, host: encoded(values as string[] | Uint8Array[]) };
    if (dtype === 'complex64')
      return { ...common, handle: null, host: this.#parts(values as Float32Array, shape) };
    const size = tf.util.sizeFromShape(shape);
    const handle =
      values === null
        ? this.binding.fill(dtype, size, 0)
        : this.binding.upload(typedValues(values as GivenValues, dtype, size));
    this.#handles.add(handle);
    return { ...common, handle, host: null };
  }

  #parts(values: Float32Array, shape: number[]): HostValues {
    const { real, imag } = tf.backend_util.splitRealAndImagArrays(values);
    const part = (numbers: Float32Array) => ({
      dataId: this.write(numbers, shape, 'float32'),
      shape,
      dtype: 'float32' as const,
    });
    return { real: part(real), imag: part(imag) };
  }
}

const encoded = (values: readonly (string | Uint8Array)[]) =>
  values.map((value) => (typeof value === 'string' ? tf.util.encodeString(value) : value));

/** As the border takes it, without a copy where the array is of the right kind already. */
function typedValues(values: GivenValues, dtype: BufferType, size: number) {
  if (values.length !== size)
    throw new Error(`Error in write: ${values.length} values do not fill a tensor of ${size}.`);
  const numbers = values as ArrayLike<number>;
  if (dtype === 'float32') return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  if (dtype === 'int32') return numbers instanceof Int32Array ? numbers : Int32Array.from(numbers);
  return numbers instanceof Uint8Array ? numbers : Uint8Array.from(numbers, Number);
}
