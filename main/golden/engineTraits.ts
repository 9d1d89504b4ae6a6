/** @file Runs anywhere. Where an engine differs from the others by design (docs/engines.md), so that a test allows for it. */
import type { EngineName, EngineRecord } from '../../shared/engines.ts';
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
