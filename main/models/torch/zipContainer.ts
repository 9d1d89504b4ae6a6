/**
 * @file Node. The format of torch.save since PyTorch 1.6: a zip archive of `STEM/data.pkl` and one entry a storage,
 * `STEM/data/KEY`, stored as they are.
 */
import type { ByteSource } from '../../files/byteSource.ts';
import { openZipIn, type ZipArchive, type ZipEntry } from '../../files/zip.ts';
import { readPickle } from '../pickle/readPickle.ts';
import { type StateDict, stateDictIn, stateDictRules } from './stateDict.ts';
import { type Storage, StorageTable } from './storages.ts';

type Refuse = (why: string) => never;

/** A state dict, and how to get the bytes of one of its storages. */
export interface TorchContainer extends StateDict {
  storageBytes(storage: Storage): Promise<Buffer>;
}

export const MAX_PICKLE_BYTES = 64 << 20;
const PICKLE = /^([^/]+)\/data\.pkl$/;

export async function openZipContainer(source: ByteSource, refuse: Refuse): Promise<TorchContainer> {
  const zip = await openZipIn(source);
  const entries = new Map(zip.entries.map((entry) => [entry.name, entry]));
  const stem = stemOf(zip, refuse);
  if (entries.has(`${stem}/constants.pkl`))
    refuse('it is a TorchScript archive, which holds a program besides the weights');
  await requireLittleEndian(zip, entries.get(`${stem}/byteorder`), refuse);
  const pickle = await zip.read(requireStored(entries.get(`${stem}/data.pkl`)!, refuse).name);
  const storages = new StorageTable(5, refuse);
  const { value, end } = readPickle(pickle, 0, stateDictRules(storages, refuse));
  if (end !== pickle.length) refuse(`${pickle.length - end} bytes follow its pickle`);
  const state = stateDictIn(value, refuse);
  for (const storage of storages.byKey.values())
    requireEntry(storage, entries.get(entryName(stem, storage)), refuse);
  return { ...state, storageBytes: (storage) => zip.read(entryName(stem, storage)) };
}

const entryName = (stem: string, storage: Storage) => `${stem}/data/${storage.key}`;

/** The folder that all entries are in; it is named after the file that was written. */
function stemOf(zip: ZipArchive, refuse: Refuse): string {
  const stems = zip.entries.flatMap(({ name }) => PICKLE.exec(name)?.[1] ?? []);
  if (stems.length !== 1)
    return refuse(`it is a zip archive with ${stems.length} pickles called data.pkl instead of one`);
  return stems[0]!;
}

/** Written since PyTorch 2.1; before that every file was little-endian. */
async function requireLittleEndian(
  zip: ZipArchive,
  entry: ZipEntry | undefined,
  refuse: Refuse,
): Promise<void> {
  if (entry === undefined) return;
  const order = entry.sizeBytes > 100 ? '' : (await zip.read(entry.name)).toString('latin1');
  if (order !== 'little') refuse('its numbers are not in little-endian order');
}

function requireEntry(storage: Storage, entry: ZipEntry | undefined, refuse: Refuse): void {
  if (entry === undefined) refuse(`its pickle names storage ${storage.key}, which it does not have`);
  requireStored(entry, refuse);
  if (entry.sizeBytes !== storage.sizeBytes)
    refuse(`storage ${storage.key} has ${entry.sizeBytes} bytes, but its pickle needs ${storage.sizeBytes}`);
}

/** PyTorch never compresses; what is compressed was not written by it, and may unpack to anything. */
function requireStored(entry: ZipEntry, refuse: Refuse): ZipEntry {
  if (!entry.stored) refuse(`its entry ${entry.name} is compressed, as PyTorch never writes it`);
  if (entry.name.endsWith('.pkl') && entry.sizeBytes > MAX_PICKLE_BYTES)
    refuse(`its pickle has ${entry.sizeBytes} bytes, more than ${MAX_PICKLE_BYTES}`);
  return entry;
}
