/**
 * @file Node. Tensors between 16 and 32 bits a number. What was made in 16 bits of a tensor in 32 is kept until that tensor changes
 * or goes: a weight is rounded once a step, however many programs read it.
 */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { halfScaleOf, markHalf } from './halfTensors.ts';
import { GROUP_SIZE, mainOf } from './kernels/wgsl.ts';
import type { Program } from './program.ts';

/** Of the device's programs, what a conversion needs. */
interface Device {
  /** A new tensor in 32 bits. */
  empty(shape: readonly number[]): TensorInfo;
  free(tensor: TensorInfo): void;
  /** Records a program on these very tensors. */
  dispatch(program: Program, conversion: Conversion): void;
}

export interface Conversion {
  readonly inputs: { readonly x: TensorInfo };
  readonly outputs: { readonly y: TensorInfo };
  readonly sizes: { readonly count: number; readonly factor: number };
  readonly groups: readonly [number];
}

const conversion = (name: string, from: 'f16' | 'f32', to: 'f16' | 'f32'): Program => ({
  name,
  inputs: { x: `vec4<${from}>` },
  outputs: { y: `vec4<${to}>` },
  sizes: { count: 'u32', factor: 'f32' },
  source: `${mainOf()} {
  for (var at = group.x * ${GROUP_SIZE}u + lane; at < sizes.count; at += groups.x * ${GROUP_SIZE}u) {
    y[at] = ${to === 'f16' ? 'to_half4' : ''}(vec4f(x[at]) * sizes.factor);
  }
}`,
});

const NARROW = conversion('to 16 bits', 'f32', 'f16');
const WIDEN = conversion('to 32 bits', 'f16', 'f32');

/** Numbers that one invocation converts, in fours, until there are so many workgroups. */
const FOURS_EACH = 2;
const MOST_GROUPS = 4096;

interface Narrowed {
  readonly tensor: TensorInfo;
  readonly scale: number;
}

export class HalfConversions {
  readonly #device: Device;
  /** By the data of the tensor in 32 bits. */
  readonly #narrowed = new Map<object, Narrowed>();

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * The tensor as a program takes it: in 16 bits with its numbers multiplied by `scale`, or in 32 (null). What it had to make for this
   * one program is added to `temporary`, which the caller frees.
   */
  as(tensor: TensorInfo, scale: number | null, temporary: TensorInfo[]): TensorInfo {
    const own = halfScaleOf(tensor.dataId);
    if (own === scale) return tensor;
    let wide = tensor;
    if (own !== null) {
      wide = this.widened(tensor);
      temporary.push(wide);
    }
    return scale === null ? wide : this.#narrow(wide, scale);
  }

  /** A copy in 32 bits of a tensor in 16. */
  widened(tensor: TensorInfo): TensorInfo {
    const wide = this.#device.empty(tensor.shape);
    this.#convert(WIDEN, tensor, wide, 1 / halfScaleOf(tensor.dataId)!);
    return wide;
  }

  /** The tensor has changed, or is gone. */
  forget(dataId: object): void {
    const known = this.#narrowed.get(dataId);
    if (known === undefined) return;
    this.#narrowed.delete(dataId);
    this.#device.free(known.tensor);
  }

  #narrow(tensor: TensorInfo, scale: number): TensorInfo {
    const known = this.#narrowed.get(tensor.dataId);
    if (known?.scale === scale) return known.tensor;
    this.forget(tensor.dataId);
    const narrow = this.#device.empty(tensor.shape);
    markHalf(narrow, scale);
    this.#convert(NARROW, tensor, narrow, scale);
    this.#narrowed.set(tensor.dataId, { tensor: narrow, scale });
    return narrow;
  }

  #convert(program: Program, from: TensorInfo, to: TensorInfo, factor: number): void {
    const count = util.sizeFromShape(from.shape) / 4;
    if (count === 0) return;
    const groups = Math.min(MOST_GROUPS, Math.ceil(count / (FOURS_EACH * GROUP_SIZE)));
    this.#device.dispatch(program, {
      ...{ inputs: { x: from }, outputs: { y: to } },
      ...{ sizes: { count, factor }, groups: [groups] },
    });
  }
}
