/** @file Runs anywhere. What a torch.save file keeps numbers in: typed storages, named by the persistent ids of its pickle. */
import { LAYOUTS, MAX_TENSORS } from '../../files/tensorTypes.ts';
import { shown } from '../pickle/machine.ts';
import { PickleObject, PickleTuple, type PickleValue } from '../pickle/values.ts';

/** Storage classes of module `torch`, and the type that a safetensors file would give them. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['DoubleStorage', 'F64'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
]);

class StorageType extends PickleObject {
  readonly what = 'a type of storage';
  /** A key of LAYOUTS. */
  readonly dtype: string;

  constructor(dtype: string) {
    super();
    this.dtype = dtype;
  }
}

/** By the name that GLOBAL gives them. */
export const STORAGE_TYPES: ReadonlyMap<string, StorageType> = new Map(
  [...TYPES].map(([name, dtype]) => [`torch ${name}`, new StorageType(dtype)]),
);

export class Storage extends PickleObject {
  readonly what = 'a storage';
  /** Its name in the archive. */
  readonly key: string;
  readonly dtype: string;
  /** Numbers in it. */
  readonly count: number;

  constructor(key: string, dtype: string, count: number) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.count = count;
  }

  get bytesPerNumber(): number {
    return LAYOUTS.get(this.dtype)!.bytes;
  }

  get sizeBytes(): number {
    return this.count * this.bytesPerNumber;
  }
}

/** What the key of a storage may be: it becomes a part of a name in the archive. */
const KEY = /^\d{1,20}$/;

/** The storages that a pickle has named so far. */
export class StorageTable {
  readonly byKey = new Map<string, Storage>();
  readonly #refuse: (why: string) => never;
  /** Entries of a persistent id: 5, or 6 in the format before PyTorch 1.6. */
  readonly #idLength: 5 | 6;

  constructor(idLength: 5 | 6, refuse: (why: string) => never) {
    this.#idLength = idLength;
    this.#refuse = refuse;
  }

  /** `('storage', FloatStorage, key, 'cpu', count)`, and in the older format a view of another storage, or None. */
  resolve(id: PickleValue): Storage {
    if (!(id instanceof PickleTuple) || id.items.length !== this.#idLength || id.items[0] !== 'storage')
      return this.#refuse('its pickle has a persistent id that does not name a storage');
    const [, type, key, device, count, view] = id.items;
    if (!(type instanceof StorageType) || typeof device !== 'string')
      return this.#refuse('its pickle names a storage without its type and device');
    if (typeof key !== 'string' || !KEY.test(key))
      return this.#refuse(
        `its pickle names a storage ${typeof key === 'string' ? shown(key) : 'without a key'}`,
      );
    if (typeof count !== 'number' || !Number.isSafeInteger(count * 8) || count < 0)
      return this.#refuse(`storage ${key} has an impossible number of entries`);
    if (view !== undefined && view !== null)
      return this.#refuse(`storage ${key} is a view of another one, which is not supported`);
    return this.#declare(new Storage(key, type.dtype, count));
  }

  #declare(storage: Storage): Storage {
    const earlier = this.byKey.get(storage.key);
    if (earlier === undefined) {
      if (this.byKey.size === MAX_TENSORS) this.#refuse(`it has more than ${MAX_TENSORS} storages`);
      this.byKey.set(storage.key, storage);
      return storage;
    }
    if (earlier.dtype !== storage.dtype || earlier.count !== storage.count)
      this.#refuse(`storage ${storage.key} is given two types or sizes`);
    return earlier;
  }
}
