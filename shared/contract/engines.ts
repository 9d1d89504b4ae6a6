/** @file Runs anywhere. Contract: engines: the doctor's report, installing, measuring. */
import { z } from 'zod';
import type { DeviceName, DeviceStanding } from '../devices.ts';
import { COMPARED_PRECISIONS, type DoctorReport, type EngineName } from '../engines.ts';
import { engineName, noInput } from './inputs.ts';
import { answers } from './route.ts';

/** What an engine can compute on here, the best first. */
export interface EngineDevices {
  readonly engine: EngineName;
  readonly devices: readonly DeviceName[];
}

export interface DeviceOverview {
  readonly devices: readonly DeviceStanding[];
  readonly byEngine: readonly EngineDevices[];
}

export interface EngineOverview {
  readonly reports: readonly DoctorReport[];
  /** What new runs take when nobody says. */
  readonly chosen: EngineName;
  readonly examinedAtMs: number;
}

export const engineRoutes = {
  /** `again` looks anew; otherwise what was found last, which is quick. */
  'engines/doctor': answers<EngineOverview>()(z.strictObject({ again: z.boolean().default(false) })),
  /** The devices of this machine as they are in this moment, and who uses them. */
  'engines/devices': answers<DeviceOverview>()(noInput),
  /** A job: downloads and compiles, because a person asked for it. */
  'engines/install': answers<{ readonly job: string }>()(
    z.strictObject({ engine: z.literal('tensorflow'), cuda: z.boolean().default(false) }),
  ),
  'engines/uninstall': answers<{ readonly job: string }>()(
    z.strictObject({ engine: z.literal('tensorflow') }),
  ),
  /** A job that compares the engine with PyTorch on its best device and leaves a report as Markdown. */
  'engines/report': answers<{ readonly job: string }>()(
    z.strictObject({ engine: engineName, precision: z.enum(COMPARED_PRECISIONS).default('fp32') }),
  ),
  /** A job that trains the quick recipe on the built-in sample for a few steps and measures pairs per second. */
  'engines/test': answers<{ readonly job: string }>()(z.strictObject({ engine: engineName })),
};
