/** @file Runs under Node. An engine compared with PyTorch on this machine: the test in its child, and the report of it. */
import { type Device, type DeviceName, ONE_DEVICE } from '../../shared/devices.ts';
import type { ComparedPrecision, EngineName } from '../../shared/engines.ts';
import type { EngineTestReport, GoldenRow } from '../../shared/engineTest.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Environment } from '../../shared/runs.ts';
import { driverCompiles, LONGEST_COMPILING_MS } from '../engines/tensorflow/cudaReadiness.ts';
import type { Entries } from '../entries.ts';
import type { FileLock } from '../files/fileLock.ts';
import { superviseEngineTest } from '../golden/superviseEngineTest.ts';
import type { DeviceService } from './devices.ts';
import { holderText } from './deviceText.ts';
import type { EngineService } from './engines.ts';
import { keepHalfPrecision } from './halfPrecisionKept.ts';

export interface EngineReportSetting {
  readonly devices: DeviceService;
  readonly engines: EngineService;
  readonly entries: Entries;
  readonly dataDirectory: string;
  readonly environment: Environment;
}

export interface EngineReportWish {
  readonly engine: EngineName;
  /** Null means the best. */
  readonly device: DeviceName | null;
  /** Null means as many as the engine thinks best. */
  readonly threads: number | null;
  /** Where it passes in half precision, that may be used afterwards. */
  readonly precision: ComparedPrecision;
  /** Null means as long as the engine needs on its device. */
  readonly timeLimitMs: number | null;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly fraction: number; readonly note: string }) => void;
}

/** Longer than `wasm` takes on two slow cores. */
export const REPORT_TIME_LIMIT_MS = 20 * 60_000;
/** The same where a GPU's driver compiles TensorFlow's kernels first. */
export const REPORT_AND_COMPILING_LIMIT_MS = REPORT_TIME_LIMIT_MS + LONGEST_COMPILING_MS;

/** How long a test on a device may take when nobody says. */
export function reportLimitMs(device: Pick<Device, 'name' | 'computeCapability'>): number {
  if (!device.name.startsWith('cuda:')) return REPORT_TIME_LIMIT_MS;
  // One whose capability nobody tells may be a new one.
  const compiles = device.computeCapability === null || driverCompiles([device]);
  return compiles ? REPORT_AND_COMPILING_LIMIT_MS : REPORT_TIME_LIMIT_MS;
}

/** @throws StudioError ENGINE_MISSING, ENGINE_FAILED when it does not open; LOCKED while somebody computes on its GPU; CANCELLED. */
export async function reportEngine(
  { devices, engines, entries, dataDirectory, environment }: EngineReportSetting,
  { engine, device: wished, threads, precision, timeLimitMs, signal, onProgress }: EngineReportWish,
): Promise<EngineTestReport> {
  await engines.choose(engine);
  await engines.check(engine, { precision, untried: true });
  const { device, lock } = await takeDevice(devices, engine, wished);
  const test = async () =>
    await superviseEngineTest({
      entry: entries.path('engineTest'),
      environment: await engines.workerEnvironment(engine, { threads, device }),
      order: { kind: 'test', engine, dataDirectory, device: device.name, threads, precision },
      ...{ signal, timeLimitMs: timeLimitMs ?? reportLimitMs(device), onProgress },
    });
  const found = await test().finally(() => lock.release());
  const { failure, goldens, training } = found;
  const complete = failure === null && training !== null;
  const outcome = { ...found, testedAt: new Date().toISOString(), passes: complete && goldens.every(passed) };
  // Before the doctor looks: it tells where half precision has been tried.
  const notKept = precision === 'fp16' ? keepHalfPrecision(dataDirectory, outcome) : null;
  const [doctor] = await engines.doctor([engine]);
  const notices = [found.notice, notKept].filter((notice) => notice !== null);
  return {
    ...{ format: 1, environment, ...outcome, findings: doctor?.findings ?? [] },
    notice: notices.length === 0 ? null : notices.join(' '),
  };
}

const passed = (row: GoldenRow) => row.passes;

/** @throws StudioError NOT_FOUND for a device that is not there, LOCKED while somebody computes on it. */
async function takeDevice(
  devices: DeviceService,
  engine: EngineName,
  wished: DeviceName | null,
): Promise<{ readonly device: Device; readonly lock: FileLock }> {
  const wish = wished === null ? ONE_DEVICE : [wished];
  const { placement, waitsFor } = await devices.turnOf(engine, wish, { sharesProcessor: true });
  if (placement === null) {
    const who = waitsFor.map(({ device, holder }) => `${device}, ${holderText(holder)}`).join('; ');
    throw new StudioError('LOCKED', `An engine is tested on a free device; here is ${who}.`, {
      nextStep: 'Test it when that is done, or name another device with --device.',
    });
  }
  return { device: placement[0]!, lock: await devices.lock(placement, `the test of ${engine}`) };
}
