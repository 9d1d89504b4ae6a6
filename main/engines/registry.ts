/** @file Node. The engines: which one to use, what its process needs, and opening it as tfjs' current backend. */
import { constants, setPriority } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import type { Device, DeviceName } from '../../shared/devices.ts';
import {
  type DoctorReport,
  type EngineName,
  type EngineRecord,
  OFFERED_ENGINES,
  type Precision,
} from '../../shared/engines.ts';
import { type AdamVariableFactory, plainAdamVariable } from '../model/adam.ts';
import { registerCpu } from './cpu.ts';
import { cpuReport } from './cpuDoctor.ts';
import { deviceEnvironment } from './devices.ts';
import { type HardwarePlaces, hasNvidiaDriver } from './hardware.ts';
import { findNative, loadNative, type NativePlaces, nativePlaces } from './native/loader.ts';
import { openNative } from './native.ts';
import { nativeReport } from './nativeDoctor.ts';
import { checkPrecision, hasPrecision, precisionHere } from './precision.ts';
import { loadTensorflow, missingTensorflow } from './tensorflow/backend.ts';
import { canUseCuda } from './tensorflow/cudaReadiness.ts';
import { tensorflowReport } from './tensorflow/doctor.ts';
import { tensorflowEnvironment } from './tensorflow/environment.ts';
import { findInstallation } from './tensorflow/installation.ts';
import { registerWasm } from './wasm.ts';
import { wasmReport } from './wasmDoctor.ts';
import { adapterNamed } from './webgpu/adapters.ts';
import { requireAdapter } from './webgpu/webgpuDevices.ts';
import { webgpuReport } from './webgpuDoctor.ts';

export interface OpenEngine {
  readonly record: EngineRecord;
  /** How parameters and their moments are kept and updated on this engine. */
  readonly adamVariables: AdamVariableFactory;
  /** How often a kernel that the engine has not ran in plain JavaScript so far, by name; it grows. */
  readonly fallbacks?: ReadonlyMap<string, number>;
  /**
   * Waits until the device is at most one micro-batch behind what it was given, on engines that compute beside this
   * process. @throws StudioError DEVICE_LOST, OUT_OF_MEMORY … when it has failed
   */
  readonly keepUp?: () => Promise<void>;
  /** A sentence for a person, such as that the GPU cannot be used and why; null when there is nothing to say. */
  readonly notice?: string | null;
}

export interface OpenOptions {
  readonly dataDirectory: string;
  /** For engines that can use several; all processors when absent. */
  readonly threads?: number;
  /** Processes that compute on the processor beside each other and divide its threads; this one alone when absent. */
  readonly sharedBy?: number;
  /** Of matrix products, on engines that have a choice; single precision when absent. */
  readonly precision?: Precision;
  /** Single precision where the wished one is not to be had here: of finished weights it is not a property. */
  readonly orSingle?: boolean;
  /** The precision is to be tried: where it has been before does not matter. */
  readonly untried?: boolean;
  /** What this process was started for (`workerEnvironment`); the engine's own choice when absent. */
  readonly device?: DeviceName;
  /** Part of the name of the GPU that `webgpu` shall use; ENTAIL_WEBGPU_ADAPTER, else the preferred one when absent. */
  readonly adapter?: string;
  /** At low priority. */
  readonly nice?: boolean;
  /** Called as what takes long moves on: a GPU's driver may compile for a minute before the first step is done. */
  readonly beat?: () => void;
}

/**
 * Makes an engine tfjs' current backend in this process. A process that shall run one well is started with
 * `workerEnvironment`.
 * @throws ENGINE_MISSING when it is not installed, ENGINE_FAILED when it does not start, USAGE for a precision that it has not
 */
export async function openEngine(name: EngineName, options: OpenOptions): Promise<OpenEngine> {
  const opened = await open(name, options);
  const { precision = 'fp32' } = options;
  if (!hasPrecision(name, precision) || opened.record.pinned['precision'] === precision) return opened;
  const instead = `The weights were trained in ${precision}, which is not to be had here: single precision is used.`;
  const notice = [opened.notice ?? null, instead].filter((text) => text !== null).join(' ');
  return { ...opened, notice };
}

async function open(name: EngineName, options: OpenOptions): Promise<OpenEngine> {
  const { precision: wished = 'fp32', orSingle = false } = options;
  const wish = { ...options, precision: wished };
  if (!orSingle) checkPrecision(name, wish);
  const precision = orSingle ? precisionHere(name, wish) : wished;
  if (name === 'native')
    return await openNative({ ...options, precision: precision === 'bf16' ? 'bf16' : 'fp32' });
  if (options.nice === true) setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  if (name === 'tensorflow') return await loadTensorflow(options);
  if (name === 'webgpu') {
    // tfjs' WebGPU backend is large, and most processes do without.
    const { openWebgpu } = await import('./webgpu.ts');
    return await openWebgpu({ ...named(options), precision: precision === 'fp16' ? 'fp16' : 'fp32' });
  }
  if (name === 'wasm') return { adamVariables: await registerWasm(), record: singleThreaded(name) };
  await registerCpu();
  return { adamVariables: plainAdamVariable, record: singleThreaded(name) };
}

function named({ adapter = adapterNamed(), device, beat, ...options }: OpenOptions) {
  const { dataDirectory, untried = false, orSingle = false } = options;
  return {
    ...{ dataDirectory, untried, orSingle },
    ...(beat === undefined ? {} : { compiled: beat }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(device?.startsWith('webgpu:') ? { device } : {}),
  };
}

function singleThreaded(engine: EngineName): EngineRecord {
  return {
    engine,
    versions: { tfjs: tf.version_core },
    device: 'cpu',
    threads: 1,
    deterministic: true,
    pinned: {},
  };
}

export interface WorkerWish {
  readonly dataDirectory: string;
  readonly threads: number | null;
  /** The only device that the process shall see, one of `listDevices`; whatever the engine takes when absent. */
  readonly device?: Device;
}

/** Environment variables for the process that shall open an engine; some cannot be set from inside it any more. */
export function workerEnvironment(
  engine: EngineName,
  { dataDirectory, threads, device }: WorkerWish,
): Record<string, string> {
  const shown = device === undefined ? {} : deviceEnvironment(engine, device);
  if (engine !== 'tensorflow') return shown;
  const wish = { dataDirectory, cuda: hasNvidiaDriver(), ...(threads === null ? {} : { threads }) };
  return { ...tensorflowEnvironment(wish), ...shown };
}

/**
 * The engine asked for, or the best that is here: `tensorflow` for an NVIDIA GPU, then `native`, then `tensorflow` for
 * the processor, else `wasm`. `webgpu` is not chosen by itself: on no GPU has it been shown to be faster.
 * @throws ENGINE_MISSING when the one asked for is not installed, or finds no GPU
 */
export async function chooseEngine(wish: {
  readonly dataDirectory: string;
  readonly asked: EngineName | null;
  /** Where the binary of `native` is looked for. */
  readonly native?: NativePlaces;
  /** Where an NVIDIA driver is looked for. */
  readonly hardware?: HardwarePlaces;
}): Promise<EngineName> {
  const { dataDirectory, asked, native = nativePlaces(), hardware } = wish;
  const installed = findInstallation(dataDirectory, { cuda: hasNvidiaDriver(hardware) }) !== null;
  if (asked === null) {
    if (await canUseCuda(dataDirectory, hardware)) return 'tensorflow';
    if (findNative(native).kind === 'found') return 'native';
    return installed ? 'tensorflow' : 'wasm';
  }
  if (asked === 'native') loadNative(native);
  if (asked === 'webgpu') await requireAdapter(adapterNamed(), hardware);
  if (asked !== 'tensorflow' || installed) return asked;
  throw missingTensorflow(dataDirectory);
}

/** What every engine needs, has and lacks on this machine. Never throws for a machine's faults. */
export async function doctor(wish: {
  readonly dataDirectory: string;
  readonly engines?: readonly EngineName[];
}): Promise<DoctorReport[]> {
  const reports: DoctorReport[] = [];
  for (const engine of wish.engines ?? OFFERED_ENGINES)
    reports.push(await reportOf(engine, wish.dataDirectory));
  return reports;
}

async function reportOf(engine: EngineName, dataDirectory: string): Promise<DoctorReport> {
  if (engine === 'native') return await nativeReport();
  if (engine === 'tensorflow') return await tensorflowReport(dataDirectory);
  if (engine === 'webgpu') return await webgpuReport({ dataDirectory });
  return engine === 'wasm' ? wasmReport() : cpuReport();
}
