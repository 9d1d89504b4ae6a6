/**
 * @file Benchmarks. Clocks on a WebGPU device, whoever records its commands: from now on every dispatch is a pass of its
 * own, and the GPU writes the time before and after it. Dispatches then never overlap, so their sum is an upper bound.
 */
import type { Clocks, KernelTime } from './clocks.ts';

/** WebGPU's most of a query set. */
const QUERIES = 4096;
const QUERY_BYTES = 8;

interface Pending {
  /** Of the clocked dispatches of one command buffer, in their order. */
  readonly names: readonly string[];
  readonly querySet: GPUQuerySet;
  readonly stamps: GPUBuffer;
  readonly copy: GPUBuffer;
}

export class PassClocks implements Clocks {
  readonly #device: GPUDevice;
  readonly #pending: Pending[] = [];

  /** @throws Error when the device has no timestamps */
  constructor(device: GPUDevice) {
    if (!device.features.has('timestamp-query')) throw new Error('This GPU writes no timestamps.');
    this.#device = device;
    const createCommandEncoder = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => this.#clocked(createCommandEncoder(descriptor));
  }

  async read(): Promise<Map<string, KernelTime>> {
    const times = new Map<string, KernelTime>();
    for (const { names, querySet, stamps: resolved, copy } of this.#pending.splice(0)) {
      await copy.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(copy.getMappedRange());
      for (const [at, name] of names.entries()) {
        const time = times.get(name) ?? { ms: 0, starts: 0 };
        time.ms += Number(stamps[2 * at + 1]! - stamps[2 * at]!) / 1e6;
        time.starts++;
        times.set(name, time);
      }
      for (const one of [copy, resolved, querySet]) one.destroy();
    }
    return times;
  }

  #clocked(encoder: GPUCommandEncoder): GPUCommandEncoder {
    const names: string[] = [];
    const querySet = this.#device.createQuerySet({ type: 'timestamp', count: QUERIES });
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    const finish = encoder.finish.bind(encoder);
    const beginClocked = (name: string) => {
      const at = 2 * names.length;
      if (at + 2 > QUERIES) return beginComputePass();
      names.push(name);
      const places = { beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
      return beginComputePass({ timestampWrites: { querySet, ...places } });
    };
    encoder.beginComputePass = () => new PassOfPasses(beginClocked) as unknown as GPUComputePassEncoder;
    encoder.finish = (descriptor) => {
      this.#resolve(encoder, querySet, names);
      return finish(descriptor);
    };
    return encoder;
  }

  #resolve(encoder: GPUCommandEncoder, querySet: GPUQuerySet, names: readonly string[]): void {
    if (names.length === 0) return;
    const size = 2 * names.length * QUERY_BYTES;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const stamps = this.#device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
    const copy = this.#device.createBuffer({ size, usage: COPY_DST | MAP_READ });
    encoder.resolveQuerySet(querySet, 0, 2 * names.length, stamps, 0);
    encoder.copyBufferToBuffer(stamps, 0, copy, 0, size);
    this.#pending.push({ names, querySet, stamps, copy });
  }
}

/** What a recorder takes for one compute pass: it begins a real one for each dispatch. */
class PassOfPasses {
  readonly #begin: (name: string) => GPUComputePassEncoder;
  readonly #groups = new Map<number, readonly unknown[]>();
  #pipeline: GPUComputePipeline | null = null;

  constructor(begin: (name: string) => GPUComputePassEncoder) {
    this.#begin = begin;
  }

  setPipeline(pipeline: GPUComputePipeline): void {
    this.#pipeline = pipeline;
  }

  /** `rest`: dynamic offsets, in either of WebGPU's forms. */
  setBindGroup(index: number, group: GPUBindGroup, ...rest: readonly unknown[]): void {
    this.#groups.set(index, [group, ...rest]);
  }

  dispatchWorkgroups(x: number, y?: number, z?: number): void {
    this.#pass((pass) => pass.dispatchWorkgroups(x, y, z));
  }

  dispatchWorkgroupsIndirect(buffer: GPUBuffer, offset: number): void {
    this.#pass((pass) => pass.dispatchWorkgroupsIndirect(buffer, offset));
  }

  end(): void {
    // Its passes have ended already.
  }

  #pass(dispatch: (pass: GPUComputePassEncoder) => void): void {
    const pipeline = this.#pipeline!;
    const pass = this.#begin(pipeline.label);
    pass.setPipeline(pipeline);
    for (const [index, words] of this.#groups) Reflect.apply(pass.setBindGroup, pass, [index, ...words]);
    dispatch(pass);
    pass.end();
  }
}
