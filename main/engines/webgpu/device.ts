/** @file Node. A device of an adapter, with all that the adapter can do and our kernels could use. */
import { StudioError } from '../../../shared/errors.ts';
import type { FoundAdapter } from './adapters.ts';

/** What kernels make use of where an adapter has it. */
export const USED_FEATURES: readonly string[] = ['timestamp-query', 'shader-f16', 'subgroups'];

/** Of a device's limits those that compute shaders meet. Without asking, a device has only the least of WebGPU. */
const USED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

export type UsedLimit = (typeof USED_LIMITS)[number];

/** What WebGPU promises everywhere, which is all that our kernels need. */
export const NEEDED_LIMITS: Readonly<Partial<Record<UsedLimit, number>>> = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxStorageBufferBindingSize: 2 ** 27,
};

export function usedLimits({ limits }: Pick<GPUAdapter, 'limits'>): Record<UsedLimit, number> {
  return Object.fromEntries(USED_LIMITS.map((name) => [name, limits[name]])) as Record<UsedLimit, number>;
}

/** The limits that an adapter lacks: "maxComputeInvocationsPerWorkgroup is 128 instead of 256". */
export function limitsLacking({ limits }: Pick<GPUAdapter, 'limits'>): string[] {
  return Object.entries(NEEDED_LIMITS).flatMap(([name, needed]) => {
    const has = limits[name as UsedLimit];
    return has >= needed ? [] : [`${name} is ${has} instead of ${needed}`];
  });
}

/** @throws StudioError ENGINE_FAILED when the adapter can too little, or gives no device. */
export async function openDevice({ adapter, name }: FoundAdapter): Promise<GPUDevice> {
  const lacking = limitsLacking(adapter);
  if (lacking.length > 0) throw refused(name, `can too little: ${lacking.join(', ')}`);
  // The types that tfjs-core brings are older than subgroups.
  const requiredFeatures = USED_FEATURES.filter((one) => adapter.features.has(one)) as GPUFeatureName[];
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits: usedLimits(adapter) });
  } catch (thrown) {
    throw refused(name, `gives no device: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** Calls `compiled` after each program, tfjs' own ones too; the last one that was given is called. */
export function tellWhenCompiled(device: GPUDevice, compiled: () => void): void {
  const create = GPUDevice.prototype.createComputePipeline;
  device.createComputePipeline = (descriptor) => {
    const pipeline = create.call(device, descriptor);
    compiled();
    return pipeline;
  };
}

function refused(name: string, why: string): StudioError {
  return new StudioError('ENGINE_FAILED', `The GPU ${name} ${why}.`, {
    nextStep: 'Update its driver, or use another engine: --engine native.',
  });
}
