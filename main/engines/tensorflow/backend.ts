/** @file Node. Loads an installed TensorFlow into this process as the tfjs backend `tensorflow`. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceName } from '../../../shared/devices.ts';
import type { EngineRecord } from '../../../shared/engines.ts';
import { StudioError } from '../../../shared/errors.ts';
import type { AdamVariableFactory } from '../../model/adam.ts';
import { registerGradients } from '../gradients.ts';
import {
  defaultThreads,
  dividedThreads,
  hasNvidiaDriver,
  nvidiaDriver,
  vectorInstructions,
} from '../hardware.ts';
import { whyNoGpu } from './cudaReadiness.ts';
import { libraryEnvironment } from './environment.ts';
import {
  BINDING_FILE,
  findInstallation,
  type Installation,
  isBroken,
  listInstallations,
} from './installation.ts';
import { tensorflowAdamVariables } from './kernels/adamVariable.ts';
import { registerTensorflowKernels } from './kernels/registerKernels.ts';
import { type Binding, TensorflowOps } from './ops.ts';

export interface LoadOptions {
  readonly dataDirectory: string;
  readonly threads?: number;
  /** Processes that divide the threads among them. */
  readonly sharedBy?: number;
  /** The device that this process was shown; the first when absent. */
  readonly device?: DeviceName;
}

export interface LoadedTensorflow {
  readonly record: EngineRecord;
  readonly adamVariables: AdamVariableFactory;
  readonly notice: string | null;
}

const BACKEND_NAME = 'tensorflow';
const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * Makes `tensorflow` tfjs' current backend. The library reads its settings when it is loaded: thread count and the like
 * are taken from the process's environment where a supervisor set them (`tensorflowEnvironment`), and set here else.
 * @throws ENGINE_MISSING when it is not installed, ENGINE_FAILED when it does not load
 */
export async function loadTensorflow({
  dataDirectory,
  threads = defaultThreads(),
  sharedBy = 1,
  device,
}: LoadOptions): Promise<LoadedTensorflow> {
  const installation = findInstallation(dataDirectory, { cuda: hasNvidiaDriver() });
  if (installation === null) throw missingTensorflow(dataDirectory);
  for (const [name, value] of Object.entries(libraryEnvironment(dividedThreads(threads, sharedBy))))
    process.env[name] ??= value;
  await registerGradients();
  await makeCurrent(installation);
  const ops = new TensorflowOps(tf.backend());
  registerTensorflowKernels(ops, BACKEND_NAME);
  return {
    record: await recordOf(installation, ops, device),
    adamVariables: tensorflowAdamVariables(ops),
    // A GPU that is there and is not used is told aloud.
    notice:
      device === 'cpu' || ops.usesGpu ? null : await whyNoGpu(dataDirectory, installation.manifest.kind),
  };
}

/** What is said where there is none to load: that there never was one, or what is wrong with it. */
export function missingTensorflow(dataDirectory: string): StudioError {
  const broken = listInstallations(dataDirectory).find(isBroken);
  const message =
    broken === undefined
      ? 'The engine tensorflow is not installed.'
      : `The engine tensorflow is no longer whole: ${broken.problem}.`;
  return new StudioError('ENGINE_MISSING', message, {
    nextStep: 'Install it with npx --no entail engines install tensorflow, or use --engine native or wasm.',
  });
}

async function makeCurrent(installation: Installation): Promise<void> {
  try {
    if (tf.findBackendFactory(BACKEND_NAME) === null) registerBackend(installation);
    if (await tf.setBackend(BACKEND_NAME)) return;
    throw new Error('tfjs did not take it as a backend');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StudioError('ENGINE_FAILED', `TensorFlow does not load: ${reason}.`, {
      nextStep: 'Run npx --no entail engines doctor, or use --engine wasm.',
      cause,
    });
  }
}

/** The parts of tfjs-node that need no file inside node_modules; its index insists on a binding of its own there. */
function registerBackend({ folder }: Installation): void {
  const require = createRequire(import.meta.url);
  restoreUtil(require);
  require(`${PACKAGE}/dist/register_all_kernels`);
  const { NodeJSKernelBackend } = require(`${PACKAGE}/dist/nodejs_kernel_backend`) as {
    NodeJSKernelBackend: new (binding: Binding, packageName: string) => tf.KernelBackend;
  };
  const binding = require(join(folder, BINDING_FILE)) as Binding;
  tf.registerBackend(BACKEND_NAME, () => new NodeJSKernelBackend(binding, PACKAGE), 3);
}

/** Two functions that tfjs-node still calls: newer Nodes warn of one of them and have removed the other. */
function restoreUtil(require: NodeJS.Require): void {
  const util = require('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
  util['isArray'] = Array.isArray;
}

/** `device` is what this process was shown, which TensorFlow itself knows as its first. */
async function recordOf(
  { manifest }: Installation,
  ops: TensorflowOps,
  device: DeviceName | undefined,
): Promise<EngineRecord> {
  const threads = process.env['TF_NUM_INTRAOP_THREADS'] ?? '';
  const shown = device?.startsWith('cuda:') === true ? device : 'cuda:0';
  const number = Number(shown.slice('cuda:'.length));
  const gpu = ops.usesGpu ? `${shown} ${(await nvidiaDriver())?.gpus[number]?.name ?? 'NVIDIA GPU'}` : null;
  return {
    engine: 'tensorflow',
    versions: {
      tfjs: tf.version_core,
      tensorflow: manifest.tensorflowVersion,
      binding: manifest.bindingVersion,
    },
    device: gpu ?? 'cpu',
    threads: Number(threads),
    deterministic: gpu === null,
    pinned: {
      threads,
      oneDnn: process.env['TF_ENABLE_ONEDNN_OPTS'] ?? '',
      deterministicOps: process.env['TF_DETERMINISTIC_OPS'] ?? '',
      instructions: vectorInstructions(),
    },
  };
}
