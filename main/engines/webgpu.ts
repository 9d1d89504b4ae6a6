/** @file Node. The `webgpu` engine: tfjs on any GPU that Vulkan, Metal or Direct3D 12 reach, through Dawn. */
import { webgpu_util } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type { EngineRecord } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { registerGradients } from './gradients.ts';
import { webgpuAdamVariables } from './webgpu/adamVariables.ts';
import { type FoundAdapter, findAdapter, type PowerPreference } from './webgpu/adapters.ts';
import { BACKEND_NAME, createBackend, StudioWebgpuBackend } from './webgpu/backend.ts';
import { loadDawn } from './webgpu/dawn.ts';
import { openDevice } from './webgpu/device.ts';
import { programsOf } from './webgpu/dispatch.ts';
import { registerPlainKernels } from './webgpu/plainKernels.ts';
import { registerWebgpuKernels } from './webgpu/registerKernels.ts';

export interface WebgpuOptions {
  /** Part of the adapter's name; the preferred GPU when absent. */
  readonly adapter?: string;
  readonly powerPreference?: PowerPreference;
}

/** Of tfjs' backend. */
const FLAGS = [
  // Commands that go to the device together: a training step has a few hundred.
  ['WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', 128],
  // The tiled product alone: another that tfjs would choose adds up in whatever order its threads come.
  ['WEBGPU_MATMUL_PROGRAM_TYPE', webgpu_util.MatMulProgramType.MatMulPackedProgram],
] as const;

/**
 * Makes `webgpu` tfjs' current backend.
 * @throws ENGINE_MISSING when Dawn does not load or there is no such GPU, ENGINE_FAILED when it can too little
 */
export async function openWebgpu({ adapter: name, powerPreference }: WebgpuOptions): Promise<{
  record: EngineRecord;
  adamVariables: AdamVariableFactory;
  backend: StudioWebgpuBackend;
}> {
  const found = await findAdapter(await loadDawn(), {
    ...(name === undefined ? {} : { name }),
    ...(powerPreference === undefined ? {} : { powerPreference }),
  });
  const device = await openDevice(found);
  await registerGradients();
  const backend = await makeCurrent(device, found);
  return { record: recordOf(found), adamVariables: webgpuAdamVariables(programsOf(backend)), backend };
}

/** One a process: opening the engine again takes the device that is there. */
async function makeCurrent(device: GPUDevice, found: FoundAdapter): Promise<StudioWebgpuBackend> {
  if (tf.findBackendFactory(BACKEND_NAME) === null)
    tf.registerBackend(BACKEND_NAME, () => createBackend(device, found));
  registerPlainKernels();
  registerWebgpuKernels();
  for (const [name, value] of FLAGS) tf.env().set(name, value);
  const backend = (await tf.setBackend(BACKEND_NAME)) ? tf.backend() : null;
  if (backend instanceof StudioWebgpuBackend) return backend;
  throw new StudioError('ENGINE_FAILED', 'tfjs did not take the engine webgpu as a backend.', {
    nextStep: 'Run npx --no entail engines doctor and report what it says.',
  });
}

function recordOf({ name, api, driver }: FoundAdapter): EngineRecord {
  return {
    engine: 'webgpu',
    versions: { tfjs: tf.version_core },
    device: `webgpu:0 ${name}`,
    threads: 1,
    deterministic: true,
    pinned: { adapter: name, api, driver },
  };
}
