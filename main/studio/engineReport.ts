/** @file Runs under Node. An engine compared with PyTorch on this machine: the test in its child, and the report of it. */
import type { DeviceName } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { EngineTestReport } from '../../shared/engineTest.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Environment } from '../../shared/runs.ts';
import type { Entries } from '../entries.ts';
import { superviseEngineTest } from '../golden/superviseEngineTest.ts';
import type { EngineService } from './engines.ts';

export interface EngineReportSetting {
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
  readonly timeLimitMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly fraction: number; readonly note: string }) => void;
}

/** Longer than `wasm` takes on two slow cores. */
export const REPORT_TIME_LIMIT_MS = 20 * 60_000;

/** @throws StudioError ENGINE_MISSING, ENGINE_FAILED when it does not open; CANCELLED. */
export async function reportEngine(
  { engines, entries, dataDirectory, environment }: EngineReportSetting,
  { engine, device: wished, threads, timeLimitMs, signal, onProgress }: EngineReportWish,
): Promise<EngineTestReport> {
  await engines.choose(engine);
  const device = await deviceOf(engines, engine, wished);
  const found = await superviseEngineTest({
    entry: entries.path('engineTest'),
    environment: await engines.workerEnvironment(engine, { threads, device }),
    order: { kind: 'test', engine, dataDirectory, device, threads },
    ...{ signal, timeLimitMs, onProgress },
  });
  const [doctor] = await engines.doctor([engine]);
  const { failure, goldens, training } = found;
  const complete = failure === null && training !== null;
  return {
    format: 1,
    testedAt: new Date().toISOString(),
    environment,
    ...found,
    findings: doctor?.findings ?? [],
    passes: complete && goldens.every((row) => row.passes),
  };
}

/** @throws StudioError USAGE naming the devices that there are. */
async function deviceOf(
  engines: EngineService,
  engine: EngineName,
  wished: DeviceName | null,
): Promise<DeviceName> {
  const devices = await engines.devices(engine);
  if (wished === null) return devices[0]!.name;
  if (devices.some(({ name }) => name === wished)) return wished;
  throw new StudioError('USAGE', `The engine ${engine} has no device ${wished} here.`, {
    nextStep: `There are: ${devices.map(({ name, title }) => `${name} (${title})`).join(', ')}.`,
  });
}
