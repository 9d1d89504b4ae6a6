/** @file Runs in the training worker. Figures of steps wait on the device and are read in blocks, never one by one. */
import * as tf from '@tensorflow/tfjs-core';

export interface PendingStep {
  readonly step: number;
  readonly epoch: number;
  readonly lr: number;
  readonly pairs: number;
  /** [summed loss, number correct, gradient norm, …further sums] on the device; owned by the block from here on. */
  readonly reading: tf.Tensor1D;
}

export interface StepFigures extends Omit<PendingStep, 'reading'> {
  readonly lossSum: number;
  readonly correct: number;
  readonly gradientNorm: number;
  readonly further: readonly number[];
}

/** Values of a reading that every task has. */
const COMMON = 3;

/** Often enough for a live line, rarely enough not to stall a fast device. */
const BLOCK_STEPS = 32;
const BLOCK_MS = 500;

export class StepReadings {
  #pending: PendingStep[] = [];
  #takenAtMs = performance.now();

  add(step: PendingStep): void {
    this.#pending.push(step);
  }

  isDue(): boolean {
    return this.#pending.length >= BLOCK_STEPS || performance.now() - this.#takenAtMs >= BLOCK_MS;
  }

  async take(): Promise<StepFigures[]> {
    const pending = this.#pending;
    this.#pending = [];
    this.#takenAtMs = performance.now();
    if (pending.length === 0) return [];
    const block = tf.tidy(() => tf.stack(pending.map(({ reading }) => reading)));
    const values = (await block.data()) as Float32Array;
    tf.dispose([block, ...pending.map(({ reading }) => reading)]);
    const width = values.length / pending.length;
    return pending.map(({ reading: _, ...step }, position) => {
      const [lossSum, correct, gradientNorm] = values.subarray(position * width);
      const further = [...values.subarray(position * width + COMMON, (position + 1) * width)];
      return { ...step, lossSum: lossSum!, correct: correct!, gradientNorm: gradientNorm!, further };
    });
  }

  dispose(): void {
    for (const { reading } of this.#pending) reading.dispose();
    this.#pending = [];
  }
}
