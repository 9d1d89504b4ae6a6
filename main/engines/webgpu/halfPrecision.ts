/** @file Node. Where kernels in half precision may be used: only where they have been run. */
import { StudioError } from '../../../shared/errors.ts';

/**
 * Parts of the names of GPUs on which the golden tests passed in half precision, as reports in docs/ say. Drivers differ too
 * much for one to stand for all.
 */
const TRIED_ON: readonly string[] = [];

/** Set to 1 by what tries them on another: test/bench/gpu. */
const UNTRIED = 'ENTAIL_WEBGPU_UNTRIED';

/**
 * @param title of the adapter; null while it is not known, and then any that was tried would do
 * @throws StudioError USAGE when half precision has not been tried on it
 */
export function requireTried(title: string | null): void {
  if (process.env[UNTRIED] === '1') return;
  const tried = TRIED_ON.filter((name) => title === null || title.includes(name));
  if (tried.length > 0) return;
  const where = title === null ? 'any GPU' : title;
  throw new StudioError(
    'USAGE',
    `The engine webgpu does not offer half precision on ${where}: it has not been tried there.`,
    { nextStep: 'Leave --precision out: single precision works everywhere.' },
  );
}

/** @throws StudioError USAGE when the device has no half precision, or it has not been tried there */
export function requireHalfPrecision(features: ReadonlySet<string>, title: string): void {
  if (!features.has('shader-f16'))
    throw new StudioError('USAGE', `${title} has no half precision (shader-f16).`, {
      nextStep: 'Leave --precision out: single precision works everywhere.',
    });
  requireTried(title);
}
