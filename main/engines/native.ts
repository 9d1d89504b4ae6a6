/** @file Node. The `native` engine: tfjs with our own kernels in Rust, on all cores of the processor. */
import * as tf from '@tensorflow/tfjs-core';
import type { EngineRecord } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { registerGradients } from './gradients.ts';
import { defaultThreads, dividedThreads } from './hardware.ts';
import { nativeAdamVariables } from './native/adamVariables.ts';
import { BACKEND_NAME, NativeBackend } from './native/backend.ts';
import type { NativeBinding, NativeDescription, Precision } from './native/binding.ts';
import { loadNative } from './native/loader.ts';
import { registerNativeKernels } from './native/registerKernels.ts';

export interface NativeOptions {
  /** One a physical core when absent. */
  readonly threads?: number;
  /** Processes that divide the threads among them. */
  readonly sharedBy?: number;
  readonly precision?: Precision;
  /** Leaves the processor to others when they want it. */
  readonly nice?: boolean;
}

const NICENESS = 10;

/**
 * Makes `native` tfjs' current backend.
 * @throws ENGINE_MISSING when there is no binary that loads here, USAGE for a precision that the processor has not
 */
export async function openNative({
  threads,
  sharedBy = 1,
  precision = 'fp32',
  nice = false,
}: NativeOptions): Promise<{
  record: EngineRecord;
  adamVariables: AdamVariableFactory;
  fallbacks: ReadonlyMap<string, number>;
}> {
  const binding = loadNative();
  requirePrecision(precision, binding);
  binding.setThreads(dividedThreads(threads ?? usualThreads(binding.describe()), sharedBy));
  // Not otherwise: a process that was started at low priority stays there.
  if (nice) binding.setNiceness(NICENESS);
  await registerGradients();
  const backend = await makeCurrent(binding);
  backend.precision = precision;
  const { fallbacks } = backend;
  return { record: recordOf(binding, precision), adamVariables: nativeAdamVariables(backend), fallbacks };
}

/** One a physical core, as far as this process may use them: a container may be given less. */
export function usualThreads({ physicalCores }: NativeDescription): number {
  return Math.min(physicalCores, defaultThreads());
}

/** @throws StudioError USAGE naming what the processor lacks. */
export function requirePrecision(precision: Precision, binding: Pick<NativeBinding, 'describe'>): void {
  if (precision === 'fp32' || binding.describe().bf16) return;
  throw new StudioError('USAGE', 'This processor has no bfloat16 instructions (AVX512-BF16).', {
    nextStep: 'Leave --precision out: single precision works everywhere.',
  });
}

async function makeCurrent(binding: NativeBinding): Promise<NativeBackend> {
  if (tf.findBackendFactory(BACKEND_NAME) === null)
    tf.registerBackend(BACKEND_NAME, () => new NativeBackend(binding));
  registerNativeKernels();
  const backend = (await tf.setBackend(BACKEND_NAME)) ? tf.backend() : null;
  if (backend instanceof NativeBackend) return backend;
  throw new StudioError('ENGINE_FAILED', 'tfjs did not take the native engine as a backend.', {
    nextStep: 'Run npx --no entail engines doctor and report what it says.',
  });
}

function recordOf(binding: NativeBinding, precision: Precision): EngineRecord {
  const { version, instructionSet, threads } = binding.describe();
  return {
    engine: 'native',
    versions: { tfjs: tf.version_core, native: version },
    device: `cpu ${instructionSet}`,
    threads,
    // Whatever the number of threads: work is split the same way for any.
    deterministic: true,
    pinned: { instructions: instructionSet, precision },
  };
}
