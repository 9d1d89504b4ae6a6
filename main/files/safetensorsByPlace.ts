/**
 * @file Node. A safetensors file whose tensors are read one by one, for files that should not be in memory as a whole.
 * The header must account for every byte of the file, as when it is read at once.
 */
import { StudioError } from '../../shared/errors.ts';
import { openFileBytes } from './byteSource.ts';
import { readError } from './fileErrors.ts';
import { type HeaderEntry, quoted, type Refuse, readHeader } from './safetensorsHeader.ts';
import { tensorFromBytes } from './tensorBytes.ts';
import { MAX_HEADER_BYTES, type NamedTensor } from './tensorTypes.ts';

export interface SafetensorsByPlace {
  /** The file's path, for messages. */
  readonly name: string;
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  /** A tensor that is in `entries`; 16-bit floats are widened. @throws StudioError UNREADABLE. */
  read(name: string): Promise<NamedTensor>;
  close(): Promise<void>;
}

/** @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE saying what is wrong with which tensor. */
export async function openSafetensorsByPlace(path: string): Promise<SafetensorsByPlace> {
  const refuse: Refuse = (why) => {
    const nextStep = 'Get the file again from where it came from: it is damaged or not a safetensors file.';
    throw new StudioError('BAD_FILE', `${path} cannot be read: ${why}.`, { nextStep, place: { file: path } });
  };
  const source = await openFileBytes(path);
  try {
    const first = await source.read(0, Math.min(8, source.sizeBytes));
    const claimed = first.length < 8 ? 0n : first.readBigUInt64LE(0);
    // What is too long to be true is refused by the reader of the header, from what there is.
    const length = claimed > BigInt(MAX_HEADER_BYTES) ? 0 : Number(claimed);
    const head = await source.read(0, Math.min(8 + length, source.sizeBytes));
    const { entries, dataStart } = readHeader(head, refuse, source.sizeBytes);
    const bytesOf = ({ begin, end }: HeaderEntry) =>
      source.read(dataStart + begin, end - begin).catch((thrown: unknown) => {
        throw readError(thrown, path);
      });
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    return {
      name: path,
      entries: byName,
      read: async (name) => {
        const entry = byName.get(name);
        if (entry === undefined) throw new Error(`${path} has no tensor ${quoted(name)}`);
        return tensorFromBytes(entry, await bytesOf(entry));
      },
      close: () => source.close(),
    };
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}
