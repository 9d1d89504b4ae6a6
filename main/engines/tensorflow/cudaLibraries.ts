/** @file Node. Which of CUDA's libraries are at hand for TensorFlow, by name. */
import { basename } from 'node:path';
import type { DoctorFinding } from '../../../shared/engines.ts';
import type { Installation } from './installation.ts';
import { CUDA_LIBRARIES } from './recipe.ts';

/**
 * One finding a library where it matters: with a driver, or with a CUDA installation. All of them come with
 * `engines install tensorflow --cuda`; those of the system are not used.
 */
export function cudaLibraryFindings(installation: Installation | null, hasDriver: boolean): DoctorFinding[] {
  const withCuda = installation?.manifest.kind === 'cuda';
  if (!withCuda && !hasDriver) {
    const detail = `not needed without an NVIDIA GPU (${CUDA_LIBRARIES.join(', ')})`;
    return [{ what: 'CUDA libraries', found: false, detail, required: false }];
  }
  const installed = new Set(installation?.manifest.files.map(({ path }) => basename(path)) ?? []);
  return CUDA_LIBRARIES.map((library) => {
    const found = installed.has(library);
    const detail = found ? 'installed' : 'missing: comes with engines install tensorflow --cuda';
    return { what: library, found, detail, required: withCuda };
  });
}
