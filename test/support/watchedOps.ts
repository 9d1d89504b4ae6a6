/** @file Tests and benchmarks. Which of TensorFlow's operations run, how often, and how long each takes. */
import type * as tf from '@tensorflow/tfjs-core';

interface Executing {
  executeOp(op: string, ...rest: unknown[]): unknown;
}

export interface WatchedOps {
  /** By name, since the watch began or was last cleared. */
  readonly ops: Map<string, { calls: number; ms: number }>;
  /** Gives the backend its binding back. */
  stop(): void;
}

/**
 * Puts a copy of the binding, whose own functions cannot be exchanged, in its place. Kernels of the processor have ended when
 * their call returns; those of a GPU have only been asked for.
 */
export function watchOps(backend: tf.KernelBackend): WatchedOps {
  const owner = backend as unknown as { binding: Executing };
  const { binding } = owner;
  const ops = new Map<string, { calls: number; ms: number }>();
  const names = Object.getOwnPropertyNames(binding);
  const copy = Object.fromEntries(names.map((name) => [name, boundTo(binding, name)]));
  owner.binding = {
    ...copy,
    executeOp: (op, ...rest) => {
      const beganMs = performance.now();
      const outputs = binding.executeOp(op, ...rest);
      const { calls, ms } = ops.get(op) ?? { calls: 0, ms: 0 };
      ops.set(op, { calls: calls + 1, ms: ms + performance.now() - beganMs });
      return outputs;
    },
  };
  return {
    ops,
    stop: () => {
      owner.binding = binding;
    },
  };
}

function boundTo(binding: Executing, name: string): unknown {
  const value: unknown = Reflect.get(binding, name);
  return typeof value === 'function' ? value.bind(binding) : value;
}
