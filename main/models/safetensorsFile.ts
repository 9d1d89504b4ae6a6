/** @file Node. A safetensors file as a file of weights: its header is read at once, its numbers when they are asked for. */
import { type ByteSource, openFileBytes } from '../files/byteSource.ts';
import { safetensorsRefuser } from '../files/safetensors.ts';
import { type HeaderEntry, headerBytes, readHeader } from '../files/safetensorsHeader.ts';
import { tensorFromBytes } from '../files/tensorBytes.ts';
import { asSinglePrecision, type WeightFile } from './weightFile.ts';

/** @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE saying what is wrong with which tensor */
export async function openSafetensorsFile(path: string): Promise<WeightFile> {
  const source = await openFileBytes(path);
  try {
    return await openSafetensors(source);
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** Every byte of the file is accounted for before one number is read. */
async function openSafetensors(source: ByteSource): Promise<WeightFile> {
  const { name, sizeBytes } = source;
  const first8 = await source.read(0, Math.min(8, sizeBytes));
  const header = await source.read(0, headerBytes(first8, sizeBytes));
  const { entries, dataStart } = readHeader(header, safetensorsRefuser(name), sizeBytes);
  const byName = new Map<string, HeaderEntry>(entries.map((entry) => [entry.name, entry]));
  return {
    name,
    tensors: new Map(entries.map((entry) => [entry.name, { dtype: entry.dtype, shape: entry.shape }])),
    notes: [],
    read: async (tensor) => {
      const entry = byName.get(tensor);
      if (entry === undefined) throw new Error(`${name} has no tensor ${tensor}`);
      const bytes = await source.read(dataStart + entry.begin, entry.end - entry.begin);
      return asSinglePrecision(tensorFromBytes(entry, bytes));
    },
    close: () => source.close(),
  };
}
