/** @file Runs anywhere. Where an engine differs from the others by design (docs/engines.md), so that a test allows for it. */
import type { EngineName, EngineRecord, Precision } from '../../shared/engines.ts';
import { PARAMETER } from './comparison.ts';

/** Its kernel computes 1 - 0.999 in single precision, 1.3e-5 off; the engine's step size makes up for it. */
const TENSORFLOW_MOMENTS = 2e-5;

/** Whether dropout masks are defined by place here; else they are the engine's own (architecture.md). */
export function masksByPlace(engine: EngineName): boolean {
  return engine !== 'tensorflow';
}

/** How far Adam's moments may be from PyTorch's; the parameters themselves must be within 1e-6 everywhere. */
export function momentToleranceOf(engine: EngineName): number {
  return engine === 'tensorflow' ? TENSORFLOW_MOMENTS : PARAMETER;
}

/** Plain JavaScript, and GPUs that a processor plays: hundreds of times slower than anything a person trains on. */
export function isForTests({ engine, device }: EngineRecord): boolean {
  return engine === 'cpu' || /swiftshader|llvmpipe|lavapipe|basic render/i.test(device);
}

/**
 * The fixtures' tolerances are single precision's. Numbers in half precision are 2^-11 apart, a few products deep: what is wrong by
 * more than this is wrong.
 */
const HALF_TOLERANCE = 0.05;

/** How far whatever is computed in a precision may be from PyTorch's single precision, where fixtures ask for less. */
export const leastToleranceOf = (precision: Precision): number => (precision === 'fp32' ? 0 : HALF_TOLERANCE);
