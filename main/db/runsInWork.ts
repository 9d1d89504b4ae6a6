/** @file Node. Runs that a living process works on, of whichever process. */
import { type DeviceName, isDeviceName } from '../../shared/devices.ts';
import type { EngineRecord } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type { RunState } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { isOwnerAlive } from './processOwner.ts';

export interface RunInWork {
  readonly id: string;
  readonly state: RunState;
  readonly pid: number;
  /** What it is computed on; one each. */
  readonly devices: readonly DeviceName[];
  /** What a paused one waits for when it is not a person; null otherwise. */
  readonly waitsFor: ErrorData | null;
}

interface Row {
  readonly id: string;
  readonly state: RunState;
  readonly engine: string | null;
  readonly devices: string | null;
  readonly error: string | null;
  readonly pid: number;
  readonly process_started: string | null;
  readonly host: string;
  readonly heartbeat_at: string;
}

export function runsInWork(database: StudioReader): RunInWork[] {
  const select = database.connection.prepare<[], Row>(
    `SELECT runs.id, state, engine, leases.devices, CASE WHEN state = 'paused' THEN error END AS error, pid, process_started, host, heartbeat_at FROM leases
     JOIN runs ON runs.number = leases.run
     WHERE state IN ('preparing', 'running', 'pausing', 'paused', 'stopping') ORDER BY runs.number`,
  );
  return read(database, () => select.all()).flatMap((row) => {
    const { id, state, error, pid, process_started, host, heartbeat_at } = row;
    if (!isOwnerAlive({ pid, processStarted: process_started, host }, heartbeat_at)) return [];
    const waitsFor = error === null ? null : (JSON.parse(error) as ErrorData);
    return [{ id, state, pid, devices: devicesIn(row), waitsFor }];
  });
}

/** The lease says it; an Entail that was older than that said it when its engine had started. */
function devicesIn({ devices, engine }: Row): readonly DeviceName[] {
  if (devices !== null) return JSON.parse(devices) as DeviceName[];
  const device = engine === null ? 'cpu' : (JSON.parse(engine) as EngineRecord).device.split(' ')[0]!;
  return [isDeviceName(device) ? device : 'cpu'];
}
