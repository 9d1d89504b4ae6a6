/**
 * @file Runs anywhere under Node. Kinds of examples (HANS's heuristics, MultiNLI's genres) in cache.db: for each split and
 * column a list of words, and for each example its place in it.
 */
import { crc32 } from 'node:zlib';
import { SPLITS, type Split } from '../../shared/datasets.ts';
import type { Cache } from './cacheConnection.ts';
import { corruptCache } from './cacheErrors.ts';

/** One split by one column. */
export interface ExampleGroup {
  readonly name: string;
  readonly kinds: readonly string[];
  /** Place in `kinds` of each example of the split, in order. */
  readonly codes: Uint8Array;
}

/** A column with more of them does not tell kinds apart. */
const MAX_KINDS = 255;

/** Collects the kinds of one split while it is imported. */
export class GroupTally {
  readonly #names: readonly string[];
  /** By column: kind -> place; null once there are too many. */
  readonly #kinds: (Map<string, number> | null)[];
  readonly #codes: number[][];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#kinds = names.map(() => new Map());
    this.#codes = names.map(() => []);
  }

  /** @param kinds of one example, in the order of the columns; "" for none */
  add(kinds: readonly string[]): void {
    for (const [at, kind] of kinds.entries()) {
      const known = this.#kinds[at];
      if (known === null || known === undefined) continue;
      const place = known.get(kind) ?? known.size;
      if (place === MAX_KINDS) {
        this.#kinds[at] = null;
        this.#codes[at] = [];
        continue;
      }
      known.set(kind, place);
      this.#codes[at]!.push(place);
    }
  }

  /** Kinds of the example that was added as the `index`-th. */
  kindsOf(index: number): string[] {
    return this.#names.map((_, at) => {
      const place = this.#codes[at]![index];
      return place === undefined ? '' : [...(this.#kinds[at]?.keys() ?? [])][place]!;
    });
  }

  /** Columns that tell at least two kinds apart. */
  groups(): ExampleGroup[] {
    return this.#names.flatMap((name, at) => {
      const kinds = [...(this.#kinds[at]?.keys() ?? [])];
      return kinds.length < 2 ? [] : [{ name, kinds, codes: Uint8Array.from(this.#codes[at]!) }];
    });
  }
}

/** Returns the bytes that were stored. */
export function storeGroups(
  cache: Cache,
  { datasetId, split }: { datasetId: number; split: Split },
  groups: readonly ExampleGroup[],
): number {
  let sizeBytes = 0;
  for (const { name, kinds, codes } of groups) {
    const words = JSON.stringify(kinds);
    cache.guard(() =>
      cache.database
        .prepare(
          'INSERT INTO example_groups (dataset_id, split, name, kinds, codes, crc32) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(datasetId, SPLITS.indexOf(split), name, words, codes, checksum(words, codes)),
    );
    sizeBytes += Buffer.byteLength(words) + codes.length;
  }
  return sizeBytes;
}

interface GroupRow {
  readonly name: string;
  readonly kinds: string;
  readonly codes: Buffer;
  readonly crc32: number;
}

/** @throws StudioError DATABASE_CORRUPT when one is not what was stored. */
export function readGroups(cache: Cache, datasetId: number, split: Split): ExampleGroup[] {
  if (!hasGroups(cache)) return [];
  const rows = cache.guard(() =>
    cache.database
      .prepare<unknown[], GroupRow>(
        'SELECT name, kinds, codes, crc32 FROM example_groups WHERE dataset_id = ? AND split = ? ORDER BY rowid',
      )
      .all(datasetId, SPLITS.indexOf(split)),
  );
  return rows.map(({ name, kinds, codes, crc32: sum }) => {
    if (checksum(kinds, codes) !== sum)
      throw corruptCache(cache.path, `the checksum of the group ${name} of data set ${datasetId} is wrong`);
    return { name, kinds: JSON.parse(kinds) as string[], codes: new Uint8Array(codes) };
  });
}

/** A cache that an earlier Entail made gets the table when it is next opened for writing. */
function hasGroups(cache: Cache): boolean {
  const found = cache.guard(() =>
    cache.database
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'example_groups'")
      .get(),
  );
  return found !== undefined;
}

function checksum(kinds: string, codes: Uint8Array): number {
  return crc32(codes, crc32(kinds));
}
