/**
 * @file Node. The format of torch.save before PyTorch 1.6: five pickles (magic number, version, system, object, keys of
 * storages), then for each key an eight-byte count and the numbers.
 */
import type { ByteSource } from '../../files/byteSource.ts';
import type { PickleRules } from '../pickle/machine.ts';
import { readPickle } from '../pickle/readPickle.ts';
import { PickleDict, PickleList, type PickleValue } from '../pickle/values.ts';
import { stateDictIn, stateDictRules } from './stateDict.ts';
import { type Storage, StorageTable } from './storages.ts';
import { MAX_PICKLE_BYTES, type TorchContainer } from './zipContainer.ts';

type Refuse = (why: string) => never;

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const COUNT_BYTES = 8;

export async function openLegacyContainer(source: ByteSource, refuse: Refuse): Promise<TorchContainer> {
  const head = await source.read(0, Math.min(source.sizeBytes, MAX_PICKLE_BYTES));
  const plain: PickleRules = {
    globals: new Map(),
    persistent: () => refuse('it names a storage where none can be'),
    refuse,
  };
  let at = 0;
  const next = (rules: PickleRules): PickleValue => {
    const { value, end } = readPickle(head, at, rules);
    at = end;
    return value;
  };
  if (next(plain) !== MAGIC) refuse('it is a pickle, but not one that torch.save wrote');
  if (next(plain) !== VERSION) refuse('it is of an unknown version of the format');
  requireLittleEndian(next(plain), refuse);
  const storages = new StorageTable(6, refuse);
  const state = stateDictIn(next(stateDictRules(storages, refuse)), refuse);
  const keys = next(plain);
  const places = await locateStorages(source, at, orderOf(keys, storages, refuse), refuse);
  return { ...state, storageBytes: (storage) => source.read(places.get(storage.key)!, storage.sizeBytes) };
}

function requireLittleEndian(system: PickleValue, refuse: Refuse): void {
  if (!(system instanceof PickleDict) || system.entries.get('little_endian') !== true)
    refuse('its numbers are not in little-endian order');
}

/** The storages in the order of the file: each one that the object names, once. */
function orderOf(keys: PickleValue, { byKey }: StorageTable, refuse: Refuse): Storage[] {
  if (!(keys instanceof PickleList)) return refuse('it has no list of its storages');
  const ordered = keys.items.map((key) => {
    const storage = typeof key === 'string' ? byKey.get(key) : undefined;
    return storage ?? refuse('it lists a storage that none of its tensors is in');
  });
  if (new Set(ordered).size !== ordered.length) refuse('it lists a storage twice');
  const listed = new Set(keys.items);
  const missing = [...byKey.keys()].find((key) => !listed.has(key));
  if (missing !== undefined) refuse(`its pickle names storage ${missing}, which it does not have`);
  return ordered;
}

/** First byte of each storage, by key. */
async function locateStorages(
  source: ByteSource,
  start: number,
  ordered: readonly Storage[],
  refuse: Refuse,
): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  let at = start;
  for (const { key, count, sizeBytes } of ordered) {
    if (at + COUNT_BYTES + sizeBytes > source.sizeBytes)
      refuse(`the file ends before the last of the ${count} numbers of storage ${key}`);
    const stated = (await source.read(at, COUNT_BYTES)).readBigInt64LE();
    if (stated !== BigInt(count))
      refuse(`storage ${key} has ${stated} numbers, but its pickle needs ${count}`);
    places.set(key, at + COUNT_BYTES);
    at += COUNT_BYTES + sizeBytes;
  }
  if (at !== source.sizeBytes) refuse(`${source.sizeBytes - at} bytes follow its last storage`);
  return places;
}
