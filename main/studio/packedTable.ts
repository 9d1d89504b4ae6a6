/** @file Runs under Node. The table of runs as text that is small, quickly written and quickly read; every number exact. */
import {
  NUMBER_COLUMNS,
  type PackedColumn,
  type PackedNumbers,
  type PackedRunsTable,
  REPEATING_COLUMNS,
  type RunsTable,
} from '../../shared/contract/runs.ts';

/** What the page unpacks again (renderer/state/unpackedTable.ts). */
export function packTable(table: RunsTable): PackedRunsTable {
  const { ids, names, replicateKeys, settings, metrics } = table;
  const repeating = REPEATING_COLUMNS.map((key) => [key, packRepeating<unknown>(table[key])]);
  const numbers = NUMBER_COLUMNS.map((key) => [key, packDoubles(table[key])]);
  return {
    ...{ ids, names, replicateKeys },
    ...(Object.fromEntries([...repeating, ...numbers]) as Omit<
      PackedRunsTable,
      'ids' | 'names' | 'replicateKeys' | 'settings' | 'metrics'
    >),
    settings: settings.map(({ key, values, codes }) => ({
      key,
      values,
      codes: packCodes(codes, values.length),
    })),
    metrics: metrics.map(({ key, values }) => ({ key, values: packDoubles(values) })),
  };
}

function packRepeating<Value>(cells: readonly Value[]): PackedColumn<Value> {
  const places = new Map<unknown, number>();
  const values: Value[] = [];
  const codes = cells.map((cell) => {
    // Lists of tags and progress are told apart by what they say.
    const identity = typeof cell === 'object' && cell !== null ? JSON.stringify(cell) : cell;
    let place = places.get(identity);
    if (place === undefined) {
      place = values.push(cell) - 1;
      places.set(identity, place);
    }
    return place;
  });
  return { values, codes: packCodes(codes, values.length) };
}

function packCodes(codes: ArrayLike<number>, count: number): PackedColumn<unknown>['codes'] {
  if (count === 1 && !Array.prototype.includes.call(codes, -1)) return null;
  // As a byte, -1 is 255.
  if (count < 255) return { bits: 8, packed: base64Of(Uint8Array.from(codes)) };
  return { bits: 32, packed: base64Of(Int32Array.from(codes)) };
}

function packDoubles(values: ArrayLike<number | null>): PackedNumbers {
  return base64Of(Float64Array.from(values, (value) => value ?? Number.NaN));
}

/** Every platform that the studio runs on has the lowest byte first. */
function base64Of({ buffer, byteOffset, byteLength }: Uint8Array | Int32Array | Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
