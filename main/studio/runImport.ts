/** @file Runs under Node. Taking in a run file of another studio: read and checked in a child, stored in one transaction. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { MetricPoint } from '../../shared/runs.ts';
import { importRun } from '../db/importRun.ts';
import { storedConfig } from '../db/runRecord.ts';
import type { Entries } from '../entries.ts';
import type { MetricCurve } from '../export/metrics/curves.ts';
import { superviseRunFile } from '../exporting/exportSupervisor.ts';
import { removeQuietly } from '../files/atomicWrite.ts';
import { nodeFileSystem } from '../files/fileSystem.ts';
import { temporaryName } from '../files/temporaryName.ts';
import type { Databases } from './databases.ts';

export interface RunImportSetting {
  readonly databases: Databases;
  readonly entries: Entries;
}

export interface TakenRun {
  /** Its id here. */
  readonly runId: string;
  /** Its id where it was trained. */
  readonly originalId: string;
}

/** @throws StudioError NOT_FOUND, UNREADABLE, BAD_FILE, CHECKSUM_MISMATCH, DISK_FULL, CANCELLED; nothing is left of it then. */
export async function takeInRun(
  { databases, entries }: RunImportSetting,
  path: string,
  signal: AbortSignal,
): Promise<TakenRun> {
  const store = databases.store();
  const { runs } = databases.places;
  const folder = join(runs, temporaryName('incoming'));
  try {
    const parts = await superviseRunFile(path, folder, { entry: entries.path('export'), signal });
    const { run, curves } = parts;
    if (storedConfig(run.config).hash !== run.configHash)
      throw new StudioError(
        'CHECKSUM_MISMATCH',
        `The configuration in ${path} was changed since it was written.`,
        {
          nextStep: 'Export the run again where it was trained.',
          place: { file: path },
        },
      );
    const runId = importRun(store, { ...parts, points: pointsOf(curves) }, (id) => {
      renameSync(folder, join(runs, id));
      nodeFileSystem.syncFolder(runs);
    });
    return { runId, originalId: run.id };
  } finally {
    removeQuietly(nodeFileSystem, folder);
  }
}

/** A curve at a time. */
function* pointsOf(curves: readonly MetricCurve[]): Generator<MetricPoint[]> {
  for (const { metric, steps, epochs, values, atMs } of curves)
    yield Array.from(steps, (step, at) => ({
      ...{ metric, step, epoch: epochs[at]!, atMs: atMs[at]!, value: values[at]! },
    }));
}
