/**
 * @file Node. Runs our own compute programs on tfjs' WebGPU backend: recorded into the command encoder and the compute
 * pass that tfjs' own kernels use, so that one command buffer carries many kernels of both kinds.
 *
 * How a family of kernels is added:
 * 1. A file in `kernels/` exports a `KernelTable`: pairs of a name of `KERNELS` and a function from `Call` to tensors.
 *    Its inputs come through `checkedInput`, which throws as tfjs does; sizes and index arrays through `attributes`.
 * 2. The function makes its outputs with `call.programs.empty(shape)` and runs one or more programs:
 *        programs.run(program, { inputs: { x, offsets }, outputs: { y }, sizes: { rows, width }, groups: [rows] })
 *    A `Program` names its buffers and sizes; `program.ts` declares them, so its WGSL has only functions, workgroup
 *    memory and the entry `main`. A program is a constant or made by a function of its variants (`name` holds them all);
 *    it is compiled at first use and kept by name. The WGSL does not hold sizes of the batch: those are `sizes`.
 * 3. Inputs are tensors or host arrays (Int32Array, Uint32Array, Float32Array: uploaded once for each array object).
 *    Several outputs are allowed; an output may be a tensor that exists already and is changed in place, but then it is
 *    not an input of the same program. No more than 8 buffers in all (WebGPU's least).
 * 4. Empty tensors: a program whose outputs are all empty does not run; an empty input is bound to a few zero bytes, so
 *    loops over its rows must be bounded by `sizes`, never by `arrayLength`.
 * 5. `groups` counts workgroups. One long number is spread over two dimensions when it exceeds what a dimension takes
 *    (65,535): WGSL computes its place by `GROUP_INDEX`, and groups and invocations beyond the end must do nothing.
 * 6. The family is listed in `registerKernels.ts`, and tested against its composite in `test/unit/engines/webgpu/`.
 * 7. Where a program names a buffer f16, its tensor lies on the device in 16 bits (halfTensors.ts): outputs are made by
 *    `call.programs.emptyHalf(shape)`; inputs are converted where they lie otherwise. What was converted of a tensor in 32
 *    bits is kept until the tensor changes or goes, so that a weight is rounded once a step.
 * Nothing here reads back or waits. Sums keep a fixed order: no atomics on floats.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type DataType, env, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { gradientScale } from './gradientScale.ts';
import { HalfConversions } from './halfConversions.ts';
import { halfScaleOf, markHalf } from './halfTensors.ts';
import { type HostArray, HostArrays } from './hostArrays.ts';
import { createPipeline, type Element, isHalfElement, type Pipeline, type Program } from './program.ts';
import { SizesArena } from './sizesArena.ts';
import { internalsOf } from './tfjsInternals.ts';
import { addTfjsUniforms } from './tfjsUniforms.ts';

export interface Run {
  readonly inputs: Readonly<Record<string, TensorInfo | HostArray>>;
  readonly outputs: Readonly<Record<string, TensorInfo>>;
  readonly sizes?: Readonly<Record<string, number>>;
  /** Workgroups in x, y and z; x alone may be as large as it likes. */
  readonly groups: readonly [x: number, y?: number, z?: number];
}

export interface Place {
  readonly tensor: TensorInfo;
  readonly start: number;
}

/** In WGSL: the number of this workgroup, whether or not x was spread. Needs the two builtins as `group`, `groups`. */
export const GROUP_INDEX = '(group.x + group.y * groups.x)';

/** What a run of programs came to so far: a test holds a training step to few submits. */
export interface DispatchCounts {
  dispatches: number;
  submits: number;
}

const PLACEHOLDER_BYTES = 16;

export class Programs {
  readonly backend: WebGPUBackend;
  /** They grow; of tfjs' own kernels only the submits are counted. */
  readonly counts: DispatchCounts = { dispatches: 0, submits: 0 };
  /** Invocations of a subgroup where the device's have been tried (subgroups.ts); 0 where kernels do without. */
  subgroupSize = 0;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #sizes: SizesArena;
  readonly #hostArrays: HostArrays;
  readonly #conversions: HalfConversions;
  /** What empty tensors are bound to, by place: two places of one program must not share a buffer. */
  readonly #placeholders = new Map<number, GPUBuffer>();

  /** One for each backend: it listens to its submits, and keeps the sizes of tfjs' programs too. `programsOf` finds it. */
  constructor(backend: WebGPUBackend) {
    this.backend = backend;
    this.#sizes = new SizesArena(backend.device);
    this.#hostArrays = new HostArrays(backend);
    this.#conversions = new HalfConversions({
      empty: (shape) => this.empty(shape),
      free: (tensor) => this.free(tensor),
      dispatch: (program, run) => this.#dispatch(program, run),
    });
    const internals = internalsOf(backend);
    const makeUniforms = internals.makeUniforms.bind(backend);
    internals.makeUniforms = (uniforms) => {
      if (this.#sizes.isFull) this.#submit();
      return addTfjsUniforms(this.#sizes, uniforms) ?? makeUniforms(uniforms);
    };
    const disposeData = backend.disposeData.bind(backend);
    backend.disposeData = (dataId, force) => {
      const isGone = disposeData(dataId, force);
      if (isGone) this.#conversions.forget(dataId);
      return isGone;
    };
    const submit = backend.submitQueue.bind(backend);
    backend.submitQueue = () => {
      this.#sizes.flush();
      submit();
      this.counts.submits++;
      this.#hostArrays.submitted();
    };
  }

  /** A new tensor for an output; its numbers are whatever the buffer held. */
  empty(shape: readonly number[], dtype: DataType = 'float32'): TensorInfo {
    const values = util.sizeFromShape([...shape]) === 0 ? new Float32Array(0) : undefined;
    return this.backend.makeTensorInfo([...shape], dtype, values);
  }

  /** The same in 16 bits a number, each multiplied by `scale`. */
  emptyHalf(shape: readonly number[], scale = 1): TensorInfo {
    const tensor = this.empty(shape);
    markHalf(tensor, scale);
    return tensor;
  }

  /** A copy in 32 bits of a tensor in 16; the caller frees it. */
  widened(tensor: TensorInfo): TensorInfo {
    return this.#conversions.widened(tensor);
  }

  /** The same data in another shape, as tfjs' Reshape does it. */
  alias(tensor: TensorInfo, shape: readonly number[]): TensorInfo {
    this.backend.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: [...shape], dtype: tensor.dtype };
  }

  /** Frees a tensor of `empty` that no kernel returns. */
  free(tensor: TensorInfo): void {
    this.backend.disposeData(tensor.dataId);
  }

  /** Records a copy of `count` numbers of 32 bits; `start` counts numbers too. */
  copy(source: Place, target: Place, count: number): void {
    if (count === 0) return;
    const [read, written] = [source, target].map(({ tensor }) => this.#bufferOf(tensor, 0));
    this.backend.ensureCommandEncoderReady();
    this.backend.endComputePassEncoder();
    const { commandEncoder } = internalsOf(this.backend);
    commandEncoder!.copyBufferToBuffer(read!, source.start * 4, written!, target.start * 4, count * 4);
    this.#forgetValues(target.tensor.dataId);
  }

  /** Records one program; returns at once. */
  run(program: Program, run: Run): void {
    if (Object.keys(program.outputs).every((name) => isEmpty(given(program, name, run.outputs)))) return;
    const scale = gradientScale();
    const temporary: TensorInfo[] = [];
    try {
      const inputs: Record<string, TensorInfo | HostArray> = {};
      for (const [name, element] of Object.entries(program.inputs)) {
        const tensor = given(program, name, run.inputs);
        const wanted = scaleIn(program, name, element, scale);
        inputs[name] = ArrayBuffer.isView(tensor) ? tensor : this.#conversions.as(tensor, wanted, temporary);
      }
      for (const [name, element] of Object.entries(program.outputs)) {
        const { dataId } = given(program, name, run.outputs);
        if (halfScaleOf(dataId) !== scaleIn(program, name, element, scale))
          throw new Error(
            `Error in ${program.name}: ${name} has other bits a number than the program writes.`,
          );
      }
      this.#dispatch(program, { ...run, inputs, sizes: { gradientScale: scale, ...run.sizes } });
    } finally {
      for (const tensor of temporary) this.free(tensor);
    }
  }

  #dispatch(program: Program, { inputs, outputs, sizes = {}, groups }: Run): void {
    const [x, y, z] = this.#spread(program, groups);
    if (x * y * z === 0) return;
    const pipeline = this.#pipelineOf(program);
    const { inputNames, outputNames, sizeNames } = pipeline;
    if (this.#sizes.isFull) this.#submit();
    const buffers: GPUBuffer[] = [];
    for (const name of inputNames) buffers.push(this.#bufferOf(given(program, name, inputs), buffers.length));
    for (const name of outputNames) {
      const tensor = given(program, name, outputs);
      buffers.push(this.#bufferOf(tensor, buffers.length));
      this.#forgetValues(tensor.dataId);
    }
    const hasSizes = sizeNames.length > 0;
    const bindGroup = pipeline.groups.of(buffers, hasSizes ? this.#sizes.binding(sizeNames) : null);
    const offsets = hasSizes ? [this.#sizes.add(sizeNames, sizes)] : [];
    this.#record(program.name, (pass) => {
      pass.setPipeline(pipeline.pipeline);
      pass.setBindGroup(0, bindGroup, offsets);
      pass.dispatchWorkgroups(x, y, z);
    });
  }

  /** tfjs keeps what was read of a tensor, and would hand it out after the tensor has changed in place. */
  #forgetValues(dataId: object): void {
    this.#conversions.forget(dataId);
    const data = this.backend.tensorMap.get(dataId);
    if (data.resource !== undefined) Reflect.set(data, 'values', null);
  }

  #record(name: string, work: (pass: GPUComputePassEncoder) => void): void {
    const { backend } = this;
    const internals = internalsOf(backend);
    const timers = internals.activeTimers ?? null;
    const timed = timers !== null && internals.supportTimestampQuery;
    backend.ensureCommandEncoderReady();
    if (timed) backend.endComputePassEncoder();
    internals.computePassEncoder ??= internals.commandEncoder!.beginComputePass(
      timed ? { timestampWrites: this.#timestamps() } : {},
    );
    work(internals.computePassEncoder);
    internals.dispatchCountInPass++;
    this.counts.dispatches++;
    if (timers !== null) {
      backend.endComputePassEncoder();
      timers.push({ name, query: backend.getQueryTime() });
    } else if (internals.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE'))
      this.#submit();
  }

  #timestamps(): GPUComputePassTimestampWrites {
    const internals = internalsOf(this.backend);
    internals.querySet ??= this.backend.device.createQuerySet({
      type: 'timestamp',
      count: internals.querySetCount,
    });
    return { querySet: internals.querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  }

  #submit(): void {
    this.backend.ensureCommandEncoderReady();
    this.backend.endComputePassEncoder();
    this.backend.submitQueue();
  }

  /**
   * The buffer of an input or output. Tensors are not marked as tfjs marks them, so that their buffers may be reused
   * before the submit: commands run in the order in which they were recorded, and tensors are written by commands only.
   */
  #bufferOf(tensor: TensorInfo | HostArray, place: number): GPUBuffer {
    if (ArrayBuffer.isView(tensor))
      return tensor.length === 0 ? this.#placeholder(place) : this.#hostArrays.bufferOf(tensor);
    if (isEmpty(tensor)) return this.#placeholder(place);
    this.backend.uploadToGPU(tensor.dataId);
    return this.backend.tensorMap.get(tensor.dataId).resource as GPUBuffer;
  }

  #placeholder(place: number): GPUBuffer {
    const known = this.#placeholders.get(place);
    if (known !== undefined) return known;
    const usage = GPUBufferUsage.STORAGE;
    const buffer = this.backend.device.createBuffer({ label: 'empty', size: PLACEHOLDER_BYTES, usage });
    this.#placeholders.set(place, buffer);
    return buffer;
  }

  #pipelineOf(program: Program): Pipeline {
    const known = this.#pipelines.get(program.name);
    if (known !== undefined) return known;
    const pipeline = createPipeline(this.backend.device, program);
    this.#pipelines.set(program.name, pipeline);
    return pipeline;
  }

  #spread(program: Program, [x, y = 1, z = 1]: Run['groups']): readonly [number, number, number] {
    const most = this.backend.device.limits.maxComputeWorkgroupsPerDimension;
    if (x <= most && y <= most && z <= most) return [x, y, z];
    const rows = Math.ceil(x / most);
    if (y !== 1 || z !== 1 || rows > most)
      throw new Error(`Error in ${program.name}: ${x} x ${y} x ${z} workgroups exceed the device's limit.`);
    return [Math.ceil(x / rows), rows, 1];
  }
}

/** What the program takes a buffer's numbers to be multiplied by; null where they have 32 bits. */
function scaleIn({ gradients = [] }: Program, name: string, element: Element, scale: number): number | null {
  if (!isHalfElement(element)) return null;
  return gradients.includes(name) ? scale : 1;
}

const isEmpty = ({ shape }: TensorInfo) => shape.includes(0);

function given<Value>(program: Program, name: string, values: Readonly<Record<string, Value>>): Value {
  const value = values[name];
  if (value === undefined) throw new Error(`Error in ${program.name}: the buffer ${name} is missing.`);
  return value;
}

const ofBackends = new WeakMap<WebGPUBackend, Programs>();

/** The programs of a backend; made at first use. */
export function programsOf(backend: WebGPUBackend): Programs {
  const known = ofBackends.get(backend);
  if (known !== undefined) return known;
  const programs = new Programs(backend);
  ofBackends.set(backend, programs);
  return programs;
}
