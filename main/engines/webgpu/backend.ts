/**
 * @file Node. The tfjs backend `webgpu` on a device of our own: a bounded pool of buffers, asynchronous reads only, and
 * failures of the device as errors of the next call.
 */
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { BackendValues, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { FoundAdapter } from './adapters.ts';
import { BufferPool } from './bufferPool.ts';
import { DeviceFailure } from './deviceFailure.ts';
import { programsOf } from './dispatch.ts';
import { bytesOfNumber, halfScaleOf } from './halfTensors.ts';
import { internalsOf } from './tfjsInternals.ts';

export const BACKEND_NAME = 'webgpu';

/** Micro-batches whose commands are on the device at once: it computes one while the next is being recorded. */
const MOST_IN_FLIGHT = 2;

export class StudioWebgpuBackend extends WebGPUBackend {
  /** Of the GPU. */
  readonly title: string;
  readonly failure: DeviceFailure;
  readonly #pool: BufferPool;
  /** Ends of what was handed over, the oldest first. */
  #inFlight: Promise<unknown>[] = [];

  constructor(device: GPUDevice, info: GPUAdapterInfo, title: string) {
    super(device, info);
    this.title = title;
    this.failure = new DeviceFailure(device, title);
    this.#pool = new BufferPool(device, title);
    Reflect.set(this, 'bufferManager', this.#pool);
  }

  /** Hands over what is recorded, and waits while the device is too far behind. */
  async keepUp(): Promise<void> {
    this.flush();
    this.#inFlight.push(this.queue.onSubmittedWorkDone().catch(() => {}));
    while (this.#inFlight.length >= MOST_IN_FLIGHT) await this.#inFlight.shift();
    this.failure.check();
  }

  /** Hands over what is recorded. */
  flush(): void {
    if (this.#encoder() === null) return;
    this.endComputePassEncoder();
    this.submitQueue();
  }

  override submitQueue(): void {
    super.submitQueue();
    this.#pool.submitted();
    this.failure.check();
  }

  override uploadToGPU(dataId: object): void {
    const data = this.tensorMap.get(dataId);
    if (data.resource !== undefined && data.resource !== null) return;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const size = data.shape.reduce((product, length) => product * length, 1);
    // Types of other than 32 bits never come to the device, but for halves, which are made there.
    const bytes = bytesOfNumber(dataId) * size;
    if (data.values === null || data.values === undefined)
      data.resource = this.#pool.acquireBuffer(bytes, usage);
    else {
      const buffer = this.#pool.acquireForUpload(bytes, usage);
      this.queue.writeBuffer(buffer, 0, asStored(data.values, data.dtype));
      data.resource = buffer;
      Reflect.set(data, 'values', null);
    }
    this.failure.check();
  }

  /**
   * At once: commands run in the order in which they were recorded, so a buffer may serve the next of them before the
   * last of them has run.
   */
  override disposeData(dataId: object, force = false): boolean {
    if (!this.tensorMap.has(dataId)) return true;
    const data = this.tensorMap.get(dataId);
    data.refCount = force ? 0 : data.refCount - 1;
    if (data.refCount > 0) return false;
    const parts = data.complexTensorInfos;
    if (parts !== undefined && parts !== null)
      for (const { dataId: part } of [parts.real, parts.imag]) this.disposeData(part);
    if (data.resource instanceof GPUBuffer && data.external !== true) this.#pool.releaseBuffer(data.resource);
    this.tensorMap.delete(dataId);
    return true;
  }

  /** Nothing is kept on this side: tensors may change in place afterwards. */
  override async read(dataId: object): Promise<BackendValues> {
    const { resource, dtype, shape } = this.tensorMap.get(dataId);
    if (!(resource instanceof GPUBuffer)) return await super.read(dataId);
    this.failure.check();
    if (halfScaleOf(dataId) !== null) {
      const wide = programsOf(this).widened({ dataId, dtype, shape });
      const numbers = this.read(wide.dataId);
      this.disposeData(wide.dataId);
      return await numbers;
    }
    const bytes = Float32Array.BYTES_PER_ELEMENT * shape.reduce((product, length) => product * length, 1);
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const staging = this.#pool.acquireBuffer(bytes, usage);
    this.ensureCommandEncoderReady();
    this.endComputePassEncoder();
    this.#encoder()!.copyBufferToBuffer(resource, 0, staging, 0, bytes);
    this.submitQueue();
    try {
      await staging.mapAsync(GPUMapMode.READ, 0, bytes);
    } catch (thrown) {
      throw this.failure.errorOf(thrown);
    }
    const numbers = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    this.#pool.releaseBuffer(staging);
    this.failure.check();
    return asRead(numbers, dtype);
  }

  /** A program of tfjs' own: it knows of no halves. */
  override runWebGPUProgram(
    ...[program, inputs, ...rest]: Parameters<WebGPUBackend['runWebGPUProgram']>
  ): TensorInfo {
    const widened = new Map<object, TensorInfo>();
    const inputsHere = inputs.map((tensor) => {
      if (halfScaleOf(tensor.dataId) === null) return tensor;
      const wide = widened.get(tensor.dataId) ?? programsOf(this).widened(tensor);
      widened.set(tensor.dataId, wide);
      return { ...wide, shape: tensor.shape };
    });
    try {
      return super.runWebGPUProgram(program, inputsHere, ...rest);
    } finally {
      for (const { dataId } of widened.values()) this.disposeData(dataId);
    }
  }

  /** Only what never went to the device. */
  override readSync(dataId: object): BackendValues {
    const { values, resource } = this.tensorMap.get(dataId);
    if (resource === undefined || resource === null) return values;
    throw new Error('On the engine webgpu tensors are read by data(), not by dataSync().');
  }

  override dispose(): void {
    this.failure.expectLoss();
    super.dispose();
    this.device.destroy();
  }

  #encoder(): GPUCommandEncoder | null {
    return internalsOf(this).commandEncoder;
  }
}

/** As the device has it: integers and truth values are i32. */
function asStored(
  values: BackendValues,
  dtype: DataType,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  if (dtype === 'float32')
    return (
      values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>)
    ) as Float32Array<ArrayBuffer>;
  return (
    values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>, Number)
  ) as Int32Array<ArrayBuffer>;
}

function asRead(numbers: ArrayBuffer, dtype: DataType): BackendValues {
  if (dtype === 'float32') return new Float32Array(numbers);
  return dtype === 'bool' ? Uint8Array.from(new Int32Array(numbers)) : new Int32Array(numbers);
}

/** tfjs makes a backend only where the page's navigator has a GPU; not every process of Node's has a navigator. */
export function createBackend(
  device: GPUDevice,
  { gpu, adapter, name }: Pick<FoundAdapter, 'gpu' | 'adapter' | 'name'>,
): StudioWebgpuBackend {
  const { navigator = {} } = globalThis as { readonly navigator?: object };
  const isBare = !('navigator' in globalThis);
  if (isBare) Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  try {
    return new StudioWebgpuBackend(device, adapter.info, name);
  } finally {
    Reflect.deleteProperty(navigator, 'gpu');
    if (isBare) Reflect.deleteProperty(globalThis, 'navigator');
  }
}
