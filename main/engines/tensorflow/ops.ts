/**
 * @file Node. TensorFlow's own operations, by name, through the binding: what fused kernels are made of. An operation's
 * inputs and attributes are those of TensorFlow's op definitions.
 */
import * as tf from '@tensorflow/tfjs-core';
import { StudioError } from '../../../shared/errors.ts';

/** An attribute as the binding takes it; it knows no lists of strings. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

/** A tensor that lives in the binding only, for types that tfjs does not know (uint16). */
export interface RawTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

type TypeName = 'float' | 'double' | 'int32' | 'uint16';

/** What we use of the compiled binding. */
export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
  executeOp(
    op: string,
    attributes: readonly OpAttribute[],
    ids: readonly number[],
    outputs: number,
  ): RawTensor[];
  deleteTensor(id: number): void;
  isUsingGpuDevice(): boolean;
}

/** What we use of tfjs-node's backend class. */
export interface NodeBackend extends tf.KernelBackend {
  readonly binding: Binding;
  executeSingleOutput(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(raw: RawTensor): tf.Tensor;
}

/** TensorFlow's numbers of types that the binding does not name. */
const DOUBLE = 2;
const UINT16 = 17;

export class TensorflowOps {
  readonly #backend: NodeBackend;
  readonly #float: readonly OpAttribute[];

  constructor(backend: tf.KernelBackend) {
    this.#backend = backend as NodeBackend;
    this.#float = [this.type('T', 'float')];
  }

  get usesGpu(): boolean {
    return this.#backend.binding.isUsingGpuDevice();
  }

  type(name: string, type: TypeName): OpAttribute {
    const { binding } = this.#backend;
    const numbers = { float: binding.TF_FLOAT, double: DOUBLE, int32: binding.TF_INT32, uint16: UINT16 };
    return { name, type: binding.TF_ATTR_TYPE, value: numbers[type] };
  }

  flag(name: string, value: boolean): OpAttribute {
    return { name, type: this.#backend.binding.TF_ATTR_BOOL, value };
  }

  real(name: string, value: number): OpAttribute {
    return { name, type: this.#backend.binding.TF_ATTR_FLOAT, value };
  }

  text(name: string, value: string): OpAttribute {
    return { name, type: this.#backend.binding.TF_ATTR_STRING, value };
  }

  shape(name: string, value: readonly number[]): OpAttribute {
    return { name, type: this.#backend.binding.TF_ATTR_SHAPE, value };
  }

  /** Runs an operation with one output. */
  one(op: string, attributes: readonly OpAttribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor {
    return this.#backend.executeSingleOutput(op, attributes, inputs);
  }

  /** Runs an operation with `outputs` outputs, none included. */
  many(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[] {
    return this.#backend.executeMultipleOutputs(op, attributes, inputs, outputs);
  }

  /** a [M, K]·b [K, N], either transposed first -> [M, N] */
  product(a: tf.TensorInfo, b: tf.TensorInfo, transposed: { a?: boolean; b?: boolean } = {}): tf.Tensor2D {
    const attributes = [
      ...this.#float,
      this.flag('transpose_a', transposed.a ?? false),
      this.flag('transpose_b', transposed.b ?? false),
    ];
    return this.one('MatMul', attributes, [a, b]) as tf.Tensor2D;
  }

  addBias(x: tf.TensorInfo, bias: tf.TensorInfo): tf.Tensor {
    return this.one('BiasAdd', [...this.#float, this.text('data_format', 'NHWC')], [x, bias]);
  }

  /** aᵀ·b of single precision, in double precision and rounded once: a [K, M], b [K, N] -> [M, N] */
  transposedProductInDouble(a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor2D {
    const attributes = [
      this.type('T', 'double'),
      this.flag('transpose_a', true),
      this.flag('transpose_b', false),
    ];
    const raw: RawTensor[] = [];
    try {
      for (const id of this.#ids(a, b)) raw.push(this.#cast(id, 'float', 'double'));
      const factors = raw.map(({ id }) => id);
      raw.push(this.#raw('MatMul', attributes, factors));
      return this.#backend.createOutputTensor(this.#cast(raw.at(-1)!.id, 'double', 'float')) as tf.Tensor2D;
    } finally {
      for (const { id } of raw) this.#backend.binding.deleteTensor(id);
    }
  }

  /** aᵀ·b for each of B: a [B, K, M], b [B, K, N] -> [B, M, N] */
  transposedProducts(a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor3D {
    const attributes = [...this.#float, this.flag('adj_x', true), this.flag('adj_y', false)];
    return this.one('BatchMatMulV2', attributes, [a, b]) as tf.Tensor3D;
  }

  /** x [R, H] -> its sum over rows [H], on the processor in one chain. */
  columnSums(x: tf.TensorInfo): tf.Tensor1D {
    return this.one('BiasAddGrad', [...this.#float, this.text('data_format', 'NHWC')], [x]) as tf.Tensor1D;
  }

  /**
   * oneDNN's layer normalisation over the last axis, x [R, H] -> [R, H]; CPU only. The empty `_kernel` undoes what
   * eager execution adds to every op of this prefix, under which no kernel is registered.
   */
  layerNorm(x: tf.TensorInfo, gamma: tf.TensorInfo, beta: tf.TensorInfo, eps: number): tf.Tensor2D {
    const attributes = [...this.#float, this.real('epsilon', eps), this.text('_kernel', '')];
    return this.one('_MklLayerNorm', attributes, [x, gamma, beta]) as tf.Tensor2D;
  }

  /**
   * bool [count]: element i is true when the i-th of a stream of 16-bit words is at least `threshold`. Half the random
   * numbers that floats would take; the words come from Philox, keyed by `seed`.
   */
  wordsAtLeast(threshold: number, count: number, seed: readonly [number, number]): tf.Tensor1D {
    const { binding } = this.#backend;
    const words = Math.ceil(count / 2);
    const [shapeTensor, seedTensor] = [tf.tensor1d([words], 'int32'), tf.tensor1d([...seed], 'int32')];
    const types = [this.type('dtype', 'int32'), this.type('T', 'int32'), this.type('Tseed', 'int32')];
    const drawn = this.one('StatelessRandomUniformFullInt', types, [shapeTensor, seedTensor]);
    const limit = tf.scalar(threshold, 'int32');
    const raw: RawTensor[] = [];
    try {
      raw.push(
        this.#raw('Bitcast', [this.type('T', 'int32'), this.type('type', 'uint16')], this.#ids(drawn)),
      );
      raw.push(this.#cast(this.#ids(limit)[0]!, 'int32', 'uint16'));
      const both = raw.map(({ id }) => id);
      const kept = this.#backend.createOutputTensor(
        this.#raw('GreaterEqual', [this.type('T', 'uint16')], both),
      );
      return tf.slice(tf.reshape(kept, [2 * words]), 0, count) as tf.Tensor1D;
    } finally {
      for (const { id } of raw) binding.deleteTensor(id);
      tf.dispose([drawn, limit, shapeTensor, seedTensor]);
    }
  }

  #ids(...tensors: tf.TensorInfo[]): number[] {
    return this.#backend.getInputTensorIds(tensors);
  }

  #cast(id: number, from: TypeName, to: TypeName): RawTensor {
    return this.#raw('Cast', [this.type('SrcT', from), this.type('DstT', to)], [id]);
  }

  #raw(op: string, attributes: readonly OpAttribute[], ids: readonly number[]): RawTensor {
    const output = this.#backend.binding.executeOp(op, attributes, ids, 1)[0];
    if (output === undefined) throw new StudioError('ENGINE_FAILED', `TensorFlow's ${op} gave nothing.`);
    return output;
  }
}
