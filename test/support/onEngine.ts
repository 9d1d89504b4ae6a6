/** @file Tests. The same work on two engines of one process, and random inputs that are the same for both. */
import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '../../main/engines/registry.ts';
import { PhiloxSequence } from '../../main/model/philox.ts';
import type { EngineName } from '../../shared/engines.ts';
import { dataDirectoryForTests } from './enginesForTests.ts';

/** Numbers that are read from the device, and tensors that must be gone by then. */
export type Values = readonly (Float32Array | Int32Array | Uint8Array)[];

/** Runs `work` with the engine current and reads what it returns; everything that it makes is disposed. */
export async function valuesOn(engine: EngineName, work: () => readonly tf.Tensor[]): Promise<Values> {
  await openEngine(engine, { dataDirectory: dataDirectoryForTests() });
  const made = tf.tidy(() => work().map((tensor) => tf.keep(tf.clone(tensor))));
  const values = await Promise.all(made.map((tensor) => tensor.data()));
  tf.dispose(made);
  return values as Values;
}

/** Random numbers by seed, whatever the engine. */
export class Inputs {
  readonly #sequence: PhiloxSequence;

  constructor(seed: number) {
    this.#sequence = new PhiloxSequence(seed, 0x746573);
  }

  /** 0 … limit - 1 */
  below(limit: number): number {
    return this.#sequence.nextBelow(limit);
  }

  /** N(0, 1) */
  normal(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.#sequence.nextNormal());
  }

  whole(count: number, limit: number): Int32Array {
    return Int32Array.from({ length: count }, () => this.below(limit));
  }
}
