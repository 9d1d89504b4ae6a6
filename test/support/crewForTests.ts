/** @file Tests. The exchanges of all workers of a run in one process, and settings of runs that several train. */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, onTestFinished } from 'vitest';
import type { CrewPlace } from '../../main/training/jobs.ts';
import { makeExchangeFolder, removeExchangeFolder } from '../../main/training/parallel/exchangeFolder.ts';
import type { GradientExchange } from '../../main/training/parallel/gradientExchange.ts';
import { meet } from '../../main/training/parallel/meeting.ts';
import type { DeviceName } from '../../shared/devices.ts';
import type { PreparedRun } from './trainedRun.ts';

export const EXCHANGES = ['memory', 'pipe'] as const;
export type ExchangeName = (typeof EXCHANGES)[number];

export const ignored = (): void => {};

export const processors = (workers: number): DeviceName[] => new Array<DeviceName>(workers).fill('cpu');

/** Places of so many workers in a folder of their own. */
export function crewPlaces(ranks: number, exchange: CrewPlace['exchange']): CrewPlace[] {
  const folder = makeExchangeFolder(0, [tmpdir()]);
  onTestFinished(() => removeExchangeFolder(folder));
  return processors(ranks).map((_, rank, devices) => ({ rank, devices, folder, exchange }));
}

/** By rank. */
export async function crewHere(ranks: number, exchange: ExchangeName): Promise<GradientExchange[]> {
  const crew = await Promise.all(crewPlaces(ranks, exchange).map((place) => meet(place, ignored)));
  onTestFinished(() => {
    for (const one of crew) one.close();
  });
  return crew;
}

/** The same run on so many workers, on the processor. */
export function onWorkers(run: PreparedRun, workers: number): PreparedRun {
  return { ...run, job: { ...run.job, devices: processors(workers) } };
}

/** Folders in which workers of this process's runs find each other. */
export function exchangeFolders(): string[] {
  const places = ['/dev/shm', tmpdir()].filter((place) => existsSync(place));
  const ours = new RegExp(`^entail\\.tmp-[0-9a-f]+-${process.pid}-`);
  return places.flatMap((place) => readdirSync(place).filter((name) => ours.test(name)));
}

/** After a run: no worker lives, and none has left a file. */
export function expectNothingLeft(pids: readonly (number | undefined)[]): void {
  expect(exchangeFolders()).toEqual([]);
  expect(pids.length).toBeGreaterThan(1);
  for (const pid of pids) expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
}
