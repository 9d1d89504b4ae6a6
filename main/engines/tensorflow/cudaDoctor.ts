/** @file Node. The doctor's look at NVIDIA: the driver against what CUDA needs, and each GPU against what the wheel has for it. */
import type { DoctorFinding } from '../../../shared/engines.ts';
import { formatBytes } from '../../files/disk.ts';
import type { NvidiaDriver, NvidiaGpu } from '../hardware.ts';
import { codeFor, isAble } from './cudaReadiness.ts';
import { LEAST_NVIDIA_DRIVER } from './recipe.ts';
import { isAtLeast } from './versions.ts';

export function gpuFindings(driver: NvidiaDriver | null, isLoaded: boolean): DoctorFinding[] {
  const what = 'NVIDIA driver';
  if (driver === null) {
    const detail = isLoaded
      ? 'loaded, but it does not answer: run nvidia-smi; after an update of the driver restart the machine'
      : 'none found: TensorFlow runs on the CPU';
    return [{ what, found: false, detail, required: false }];
  }
  const enough = isAtLeast(driver.version, LEAST_NVIDIA_DRIVER);
  const detail = enough
    ? `${driver.version}; CUDA 12 needs ${LEAST_NVIDIA_DRIVER} or newer`
    : `${driver.version} is older than the ${LEAST_NVIDIA_DRIVER} that CUDA 12 needs`;
  const gpus = driver.gpus.map(gpuFinding);
  const none = { what: 'GPU', found: false, detail: 'the driver shows none', required: false };
  return [{ what, found: enough, detail, required: false }, ...(gpus.length === 0 ? [none] : gpus)];
}

function gpuFinding(gpu: NvidiaGpu, number: number): DoctorFinding {
  const { name, computeCapability, memoryBytes } = gpu;
  const capability =
    computeCapability === null ? 'compute capability not known' : `compute capability ${computeCapability}`;
  const memory = memoryBytes === null ? '' : `, ${formatBytes(memoryBytes)}`;
  const code = codeFor(gpu);
  return {
    what: `GPU ${number}`,
    found: isAble(gpu),
    detail: `${name}, ${capability}${memory}${code === '' ? '' : `: ${code}`}`,
    required: false,
  };
}
