/** @file Tests. Processes that write to a studio.db, and whether what they left is whole. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { StudioReader } from '../../main/db/connection.ts';
import { listLogs } from '../../main/db/logs.ts';
import { metricSeries } from '../../main/db/metrics.ts';

const WRITER = join(import.meta.dirname, '..', 'faults', 'studioWriter.ts');

/** Starts a process that stores flushes in `path`, for ever unless `flushes` says how many; then it ends, or stays. */
export function startWriter(path: string, flushes?: number, then: 'end' | 'stay' = 'end'): ChildProcess {
  const words = [WRITER, path, ...(flushes === undefined ? [] : [String(flushes), then])];
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The id of the run that a writer made. */
export async function runOf(writer: ChildProcess): Promise<string> {
  const [line] = await once(writer.stdout!.setEncoding('utf8'), 'data');
  return String(line).trim();
}

/** Kills a process at once and waits until it is gone. */
export async function kill(writer: ChildProcess): Promise<void> {
  const gone = writer.exitCode === null && writer.signalCode === null ? once(writer, 'exit') : null;
  writer.kill('SIGKILL');
  await gone;
}

/** Fails unless a writer's run consists of whole flushes without gaps; returns how many. */
export function expectWholeFlushes(database: StudioReader, runId: string): number {
  const flushes = listLogs(database, runId).map((line) => line.text);
  expect(flushes).toEqual(flushes.map((_, at) => `flush ${at}`));
  const steps = Array.from({ length: 40 * flushes.length }, (_, at) => at + 1);
  expect([...metricSeries(database, runId, 'step/loss').steps]).toEqual(steps);
  expect([...metricSeries(database, runId, 'step/accuracy').steps]).toEqual(steps);
  return flushes.length;
}
