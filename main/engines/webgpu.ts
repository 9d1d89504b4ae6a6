/** @file Node. The `webgpu` engine: tfjs on any GPU that Vulkan, Metal or Direct3D 12 reach, through Dawn. */
import { webgpu_util } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceName } from '../../shared/devices.ts';
import type { EngineRecord } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { registerGradients } from './gradients.ts';
import { webgpuAdamVariables } from './webgpu/adamVariables.ts';
import { type FoundAdapter, findAdapter, type PowerPreference } from './webgpu/adapters.ts';
import { BACKEND_NAME, createBackend, StudioWebgpuBackend } from './webgpu/backend.ts';
import { loadDawn } from './webgpu/dawn.ts';
import { openDevice, tellWhenCompiled } from './webgpu/device.ts';
import { programsOf } from './webgpu/dispatch.ts';
import { requireHalfPrecision, requireShaderF16 } from './webgpu/halfPrecision.ts';
import type { WebgpuPrecision } from './webgpu/kernels/kernel.ts';
import { registerPlainKernels } from './webgpu/plainKernels.ts';
import { choosePrecision, registerWebgpuKernels } from './webgpu/registerKernels.ts';
import { provenSubgroupSize } from './webgpu/subgroups.ts';

export interface WebgpuOptions {
  /** Knows where half precision has been tried. */
  readonly dataDirectory: string;
  /** It is to be tried now. */
  readonly untried?: boolean;
  /** Single precision where half is not to be had. */
  readonly orSingle?: boolean;
  readonly precision?: WebgpuPrecision;
  /** Part of the adapter's name; the preferred GPU when absent. */
  readonly adapter?: string;
  readonly powerPreference?: PowerPreference;
  /** What the adapter is called among the devices of this machine. */
  readonly device?: DeviceName;
  /** Called whenever the driver has compiled a program, at its first use. */
  readonly compiled?: () => void;
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
 * @throws ENGINE_MISSING when Dawn does not load or there is no such GPU, ENGINE_FAILED when it can too little,
 * USAGE for fp16 where that was not tried
 */
export async function openWebgpu({
  dataDirectory,
  untried = false,
  orSingle = false,
  adapter: name,
  powerPreference,
  precision: wished = 'fp32',
  device: deviceName = 'webgpu:0',
  compiled = () => {},
}: WebgpuOptions): Promise<{
  record: EngineRecord;
  adamVariables: AdamVariableFactory;
  backend: StudioWebgpuBackend;
  keepUp: () => Promise<void>;
}> {
  const found = await findAdapter(await loadDawn(), {
    ...(name === undefined ? {} : { name }),
    ...(powerPreference === undefined ? {} : { powerPreference }),
  });
  const precision = precisionOn(found, wished, { dataDirectory: untried ? null : dataDirectory, orSingle });
  await registerGradients();
  const backend = await makeCurrent(found);
  choosePrecision(backend, precision);
  const programs = programsOf(backend);
  tellWhenCompiled(backend.device, compiled);
  return {
    record: recordOf(found, { precision, device: deviceName, subgroupSize: programs.subgroupSize }),
    adamVariables: webgpuAdamVariables(programs),
    backend,
    keepUp: () => backend.keepUp(),
  };
}

/** `dataDirectory` is null where half precision is tried now. @throws USAGE where it is not to be had, unless single will do */
function precisionOn(
  { name, driver, adapter }: FoundAdapter,
  wished: WebgpuPrecision,
  { dataDirectory, orSingle }: { readonly dataDirectory: string | null; readonly orSingle: boolean },
): WebgpuPrecision {
  if (wished === 'fp32') return wished;
  const here = { name, driver, features: adapter.features };
  try {
    if (dataDirectory === null) requireShaderF16(here);
    else requireHalfPrecision(here, dataDirectory);
    return wished;
  } catch (thrown) {
    if (!orSingle) throw thrown;
    return 'fp32';
  }
}

/** A device that works is taken again: there is one a process. */
async function makeCurrent(found: FoundAdapter): Promise<StudioWebgpuBackend> {
  registerPlainKernels();
  registerWebgpuKernels();
  for (const [name, value] of FLAGS) tf.env().set(name, value);
  const isKnown = tf.findBackendFactory(BACKEND_NAME) !== null;
  const open: unknown = isKnown ? tf.engine().findBackend(BACKEND_NAME) : null;
  if (!(open instanceof StudioWebgpuBackend && open.title === found.name && !open.failure.hasFailed)) {
    if (isKnown) tf.removeBackend(BACKEND_NAME);
    const device = await openDevice(found);
    tf.registerBackend(BACKEND_NAME, () => createBackend(device, found));
  }
  const backend = (await tf.setBackend(BACKEND_NAME)) ? tf.backend() : null;
  if (backend instanceof StudioWebgpuBackend) {
    programsOf(backend).subgroupSize = await provenSubgroupSize(backend.device, found.adapter.info);
    return backend;
  }
  throw new StudioError('ENGINE_FAILED', 'tfjs did not take the engine webgpu as a backend.', {
    nextStep: 'Run npx --no entail engines doctor and report what it says.',
  });
}

interface Chosen {
  readonly precision: WebgpuPrecision;
  readonly device: DeviceName;
  readonly subgroupSize: number;
}

function recordOf(
  { name, api, driver }: FoundAdapter,
  { precision, device, subgroupSize }: Chosen,
): EngineRecord {
  return {
    engine: 'webgpu',
    versions: { tfjs: tf.version_core },
    device: `${device} ${name}`,
    threads: 1,
    deterministic: true,
    // Sums have another order without them.
    pinned: {
      adapter: name,
      api,
      driver,
      precision,
      subgroups: subgroupSize > 0 ? `${subgroupSize}` : 'none',
    },
  };
}
