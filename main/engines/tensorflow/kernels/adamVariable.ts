/**
 * @file Node. Adam in place on TensorFlow: value and moments are its resource variables, updated by one kernel on all
 * cores. A tensor read from a variable shares its memory; one that is still alive at the next update makes that update
 * copy first, so what a checkpoint holds never changes under it.
 */
import { randomUUID } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import type {
  AdamSettings,
  AdamUpdate,
  AdamVariable,
  AdamVariableFactory,
  SparseGradient,
} from '../../../model/adam.ts';
import type { TensorflowOps } from '../ops.ts';

export function tensorflowAdamVariables(ops: TensorflowOps): AdamVariableFactory {
  const make = (value: tf.Tensor, first: tf.Tensor, second: tf.Tensor) =>
    new ResourceAdamVariable(ops, [value, first, second]);
  return Object.assign(make, { updateAll });
}

/** One kernel a variable; the numbers that they share are handed to the library once. */
function updateAll(updates: readonly AdamUpdate[]): void {
  const numbers = new Numbers();
  for (const { variable, gradient, settings } of updates) {
    const ours = variable as ResourceAdamVariable;
    if (gradient instanceof tf.Tensor) ours.update(gradient, settings, numbers);
    else ours.updateRows(gradient, settings, numbers);
  }
  numbers.dispose();
}

/** Scalars by value, each made once. */
class Numbers {
  readonly #made = new Map<number, tf.Scalar>();

  scalar(value: number): tf.Scalar {
    const made = this.#made.get(value) ?? tf.keep(tf.scalar(value));
    this.#made.set(value, made);
    return made;
  }

  dispose(): void {
    tf.dispose([...this.#made.values()]);
    this.#made.clear();
  }
}

class ResourceAdamVariable implements AdamVariable {
  readonly #ops: TensorflowOps;
  readonly #value: Resource;
  readonly #first: Resource;
  readonly #second: Resource;
  #read: tf.Tensor | null = null;

  constructor(ops: TensorflowOps, [value, first, second]: readonly [tf.Tensor, tf.Tensor, tf.Tensor]) {
    this.#ops = ops;
    this.#value = new Resource(ops, value);
    this.#first = new Resource(ops, first);
    this.#second = new Resource(ops, second);
    tf.dispose([value, first, second]);
  }

  value(): tf.Tensor {
    this.#read ??= tf.keep(this.#value.read());
    return this.#read;
  }

  /** Not copied until the next update; the constant of `momentFactors` is in them, so that resumption is exact. */
  moments(): { first: tf.Tensor; second: tf.Tensor } {
    return { first: this.#first.read(), second: this.#second.read() };
  }

  update(gradient: tf.Tensor, settings: AdamSettings, shared?: Numbers): void {
    this.#forgetRead();
    const numbers = shared ?? new Numbers();
    tf.tidy(() => {
      if (settings.weightDecay !== 0) this.#decay(settings.lr * settings.weightDecay);
      const scalars = kernelNumbers(settings).map((number) => numbers.scalar(number));
      const handles = [this.#value.handle, this.#first.handle, this.#second.handle];
      const { flag, type } = bound(this.#ops);
      const attributes = [type('T', 'float'), flag('use_locking', false), flag('use_nesterov', false)];
      this.#ops.many('ResourceApplyAdam', attributes, [...handles, ...scalars, gradient], 0);
    });
    if (shared === undefined) numbers.dispose();
  }

  /**
   * A dense gradient is made for the moment: TensorFlow's Adam takes no other. (A kept one, changed by row, would be
   * copied at every read: a variable that was once written by rows is.)
   */
  updateRows({ ids, rows }: SparseGradient, settings: AdamSettings, shared?: Numbers): void {
    const { type } = bound(this.#ops);
    const types = [type('T', 'float'), type('Tindices', 'int32'), type('Tnumsegments', 'int32')];
    tf.tidy(() => {
      const tableRows = tf.scalar(this.#value.shape[0]!, 'int32');
      const gradient = this.#ops.one('UnsortedSegmentSum', types, [
        rows,
        tf.tensor1d(ids, 'int32'),
        tableRows,
      ]);
      this.update(gradient, settings, shared);
    });
  }

  dispose(): void {
    this.#forgetRead();
    for (const resource of [this.#value, this.#first, this.#second]) resource.dispose();
  }

  #forgetRead(): void {
    this.#read?.dispose();
    this.#read = null;
  }

  #decay(share: number): void {
    const loss = tf.mul(this.#value.read(), share);
    this.#ops.many('AssignSubVariableOp', [this.#ops.type('dtype', 'float')], [this.#value.handle, loss], 0);
  }
}

interface MomentFactors {
  readonly first: number;
  readonly second: number;
}

/**
 * TensorFlow adds (1 - β)·g with 1 - β in single precision, where 0.001 comes out as 0.00099998712: its moments are
 * PyTorch's times a constant, which the step size and eps below take into account.
 */
function momentFactors(beta1: number, beta2: number): MomentFactors {
  const factor = (beta: number) => Math.fround(1 - Math.fround(beta)) / (1 - beta);
  return { first: factor(beta1), second: factor(beta2) };
}

/**
 * β₁ᵗ, β₂ᵗ, lr, β₁, β₂, ε as the kernel wants them. With both powers 0 it leaves the bias corrections to us: they are
 * in lr and ε, in double precision, ε added after the correction as PyTorch has it.
 */
function kernelNumbers({ lr, beta1, beta2, eps, step }: AdamSettings): number[] {
  const { first, second } = momentFactors(beta1, beta2);
  const root = Math.sqrt((1 - beta2 ** step) * second);
  return [0, 0, (lr * root) / ((1 - beta1 ** step) * first), beta1, beta2, eps * root];
}

/** One of TensorFlow's resource variables: memory that kernels change in place. */
class Resource {
  readonly handle: tf.Tensor;
  readonly shape: number[];
  readonly #ops: TensorflowOps;

  constructor(ops: TensorflowOps, value: tf.Tensor) {
    this.#ops = ops;
    this.shape = value.shape;
    const { type, shape, text } = bound(ops);
    const names = [text('container', ''), text('shared_name', randomUUID())];
    this.handle = tf.keep(
      ops.one('VarHandleOp', [type('dtype', 'float'), shape('shape', value.shape), ...names], []),
    );
    this.write(value);
  }

  /** Shares the variable's memory; the next change copies while this tensor lives. */
  read(): tf.Tensor {
    return this.#ops.one('ReadVariableOp', [this.#ops.type('dtype', 'float')], [this.handle]);
  }

  write(value: tf.Tensor): void {
    this.#ops.many('AssignVariableOp', [this.#ops.type('dtype', 'float')], [this.handle, value], 0);
  }

  dispose(): void {
    this.#ops.many('DestroyResourceOp', [this.#ops.flag('ignore_lookup_error', true)], [this.handle], 0);
    this.handle.dispose();
  }
}

/** The attribute makers as plain functions. */
function bound(ops: TensorflowOps) {
  return {
    type: ops.type.bind(ops),
    flag: ops.flag.bind(ops),
    shape: ops.shape.bind(ops),
    text: ops.text.bind(ops),
  };
}
