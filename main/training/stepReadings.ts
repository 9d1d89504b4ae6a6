/** @file Runs in the training worker. Figures of steps wait on the device and are read in blocks, never one by one. */
import * as tf from '@tensorflow/tfjs-core';

export interface PendingStep {
  readonly step: number;
  readonly epoch: number;
  readonly lr: number;
  readonly pairs: number;
  /** [summed loss, number correct, gradient norm] on the device; owned by the block from here on. */
  readonly reading: tf.Tensor1D;
}

export interface StepFigures extends Omit<PendingStep, 'reading'> {
  readonly lossSum: number;
  readonly correct: number;
  readonly gradientNorm: number;
}

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
    return pending.map(({ reading: _, ...step }, position) => ({
      ...step,
      lossSum: values[position * 3]!,
      correct: values[position * 3 + 1]!,
      gradientNorm: values[position * 3 + 2]!,
    }));
  }

  dispose(): void {
    for (const { reading } of this.#pending) reading.dispose();
    this.#pending = [];
  }
}
