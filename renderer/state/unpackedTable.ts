/** @file Runs in the page. The table of runs as the studio sends it, unpacked. */
import {
  NUMBER_COLUMNS,
  type PackedColumn,
  type PackedNumbers,
  type PackedRunsTable,
  REPEATING_COLUMNS,
  type RunsTable,
} from '../../shared/contract/runs.ts';

export function unpackTable(packed: PackedRunsTable): RunsTable {
  const { ids, names, replicateKeys, settings, metrics } = packed;
  const { length } = ids;
  const same = new Uint8Array(length);
  const repeating = REPEATING_COLUMNS.map((key) => {
    const { values, codes } = packed[key] as PackedColumn<unknown>;
    return [key, Array.from(codesOf(codes, same), (code) => values[code])];
  });
  const numbers = NUMBER_COLUMNS.map((key) => [
    key,
    Array.from(doublesOf(packed[key]), (value) => (Number.isNaN(value) ? null : value)),
  ]);
  return {
    ...{ ids, names, replicateKeys },
    ...(Object.fromEntries([...repeating, ...numbers]) as Omit<
      RunsTable,
      'ids' | 'names' | 'replicateKeys' | 'settings' | 'metrics'
    >),
    settings: settings.map(({ key, values, codes }) => ({ key, values, codes: codesOf(codes, same) })),
    metrics: metrics.map(({ key, values }) => ({ key, values: doublesOf(values) })),
  };
}

function codesOf(codes: PackedColumn<unknown>['codes'], same: Uint8Array): ArrayLike<number> {
  if (codes === null) return same;
  const bytes = bytesOf(codes.packed);
  // As a byte, 255 is -1.
  return codes.bits === 8 ? new Int8Array(bytes) : new Int32Array(bytes);
}

function doublesOf(packed: PackedNumbers): Float64Array {
  return new Float64Array(bytesOf(packed));
}

/** Browsers from 2025 on decode by themselves. */
function bytesOf(packed: PackedNumbers): ArrayBuffer {
  if (typeof Uint8Array.fromBase64 === 'function') return Uint8Array.fromBase64(packed).buffer as ArrayBuffer;
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes.buffer;
}
