/**
 * @file Node. Both moments of a few parameters in one buffer: a program binds few buffers, so that the fewer a parameter
 * needs, the more parameters one program takes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Programs } from './dispatch.ts';

export class MomentArena {
  readonly #programs: Programs;
  /** [2, half]: first moments, second moments. */
  readonly tensor: tf.Tensor;
  readonly half: number;
  readonly #offsets: readonly number[];
  #members: number;

  /** Takes the moments of each parameter over: copied, and disposed. */
  constructor(programs: Programs, parameters: readonly (readonly [first: tf.Tensor, second: tf.Tensor])[]) {
    this.#programs = programs;
    this.#members = parameters.length;
    let length = 0;
    this.#offsets = parameters.map(([first]) => {
      const offset = length;
      length += first.size;
      return offset;
    });
    this.half = length;
    this.tensor = tf.keep(tf.engine().makeTensorFromTensorInfo(programs.empty([2, length])));
    parameters.forEach(([first, second], member) => {
      const { size } = first;
      programs.copy(
        { tensor: first, start: 0 },
        { tensor: this.tensor, start: this.#offsets[member]! },
        size,
      );
      const start = this.half + this.#offsets[member]!;
      programs.copy({ tensor: second, start: 0 }, { tensor: this.tensor, start }, size);
      tf.dispose([first, second]);
    });
  }

  /** In numbers, of the first moments. */
  offsetOf(member: number): number {
    return this.#offsets[member]!;
  }

  /** New tensors, which the caller disposes. */
  copyOf(member: number, shape: readonly number[]): { first: tf.Tensor; second: tf.Tensor } {
    const [first, second] = [0, this.half].map((begin) => {
      const copy = tf.engine().makeTensorFromTensorInfo(this.#programs.empty(shape));
      const start = begin + this.offsetOf(member);
      this.#programs.copy({ tensor: this.tensor, start }, { tensor: copy, start: 0 }, copy.size);
      return copy;
    });
    return { first: first!, second: second! };
  }

  /** One parameter is gone; the buffer goes with the last. */
  release(): void {
    this.#members--;
    if (this.#members === 0) this.tensor.dispose();
  }
}
