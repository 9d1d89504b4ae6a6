/** @file Runs in the page. The table of runs as the studio sends it, unpacked. */
import type { PackedNumbers, PackedRunsTable, RunsTable } from '../../shared/contract/runs.ts';

export function unpackTable(packed: PackedRunsTable): RunsTable {
  const { createdAtMs, finishedAtMs, durationSeconds, settings, metrics, ...plain } = packed;
  const same = new Array<number>(packed.ids.length).fill(0);
  return {
    ...plain,
    createdAtMs: [...doublesOf(createdAtMs)],
    finishedAtMs: numbersOf(finishedAtMs),
    durationSeconds: numbersOf(durationSeconds),
    settings: settings.map(({ key, values, codes }) => ({
      ...{ key, values },
      codes: codes === null ? same : [...new Int32Array(bytesOf(codes))],
    })),
    metrics: metrics.map(({ key, values }) => ({ key, values: numbersOf(values) })),
  };
}

function doublesOf(packed: PackedNumbers): Float64Array {
  return new Float64Array(bytesOf(packed));
}

function numbersOf(packed: PackedNumbers): (number | null)[] {
  return Array.from(doublesOf(packed), (value) => (Number.isNaN(value) ? null : value));
}

function bytesOf(packed: PackedNumbers): ArrayBuffer {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes.buffer;
}
