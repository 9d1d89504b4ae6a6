/**
 * @file Node. Reads the tensors of a file that torch.save wrote, without Python and without running anything that the
 * file says: pickles can name any function of any module, so only what a state dict needs is known here.
 */
import { type ByteSource, openFileBytes } from '../files/byteSource.ts';
import { isZip } from '../files/regularFile.ts';
import { openLegacyContainer } from './torch/legacyContainer.ts';
import type { Storage } from './torch/storages.ts';
import { tensorOf } from './torch/tensorView.ts';
import { openZipContainer, type TorchContainer } from './torch/zipContainer.ts';
import { asSinglePrecision, refuserOf, type TensorOutline, type WeightFile } from './weightFile.ts';

const NEXT_STEP =
  'Get the file again, or load it with PyTorch where you trust it and save its state_dict as safetensors.';

/**
 * Opens a .bin, .pt, .pth or .params file of either format and reads what it says about its tensors; their numbers are
 * read later.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE naming what the file has that a state dict does not need
 */
export async function openTorchFile(path: string): Promise<WeightFile> {
  const source = await openFileBytes(path);
  try {
    return await openTorchArchive(source);
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** The same for bytes that are open already; closing the archive closes them. */
export async function openTorchArchive(source: ByteSource): Promise<WeightFile> {
  const refuse = refuserOf(source.name, NEXT_STEP);
  const container = await openContainer(source, refuse);
  const storageBytes = rememberingLast(container);
  const outlines = new Map<string, TensorOutline>();
  for (const [name, { storage, shape }] of container.tensors)
    outlines.set(name, { dtype: storage.dtype, shape });
  return {
    name: source.name,
    tensors: outlines,
    notes: container.notes,
    read: async (name) => {
      const view = container.tensors.get(name);
      if (view === undefined) throw new Error(`${source.name} has no tensor ${name}`);
      return asSinglePrecision(tensorOf(view, await storageBytes(view.storage)));
    },
    close: () => source.close(),
  };
}

const LONGEST_MAGIC = 512;

async function openContainer(source: ByteSource, refuse: (why: string) => never): Promise<TorchContainer> {
  const head = await source.read(0, Math.min(LONGEST_MAGIC, source.sizeBytes));
  if (isZip(head)) return openZipContainer(source, refuse);
  if (head[0] === 0x80) return openLegacyContainer(source, refuse);
  return refuse(whatElse(head));
}

/** Files that stand where weights are expected, by their first bytes. */
function whatElse(head: Buffer): string {
  const text = head.toString('latin1');
  if (head.length === 0) return 'it is empty';
  if (text.startsWith('version https://git-lfs'))
    return 'it is a pointer of Git LFS, not the file that it points to';
  if (text.startsWith('<')) return 'it is a web page';
  if (text.slice(257, 262) === 'ustar') return 'it is of the tar format of PyTorch before 0.1.10';
  return 'it is not a file that torch.save wrote';
}

/** Tensors that share a storage mostly follow each other: it is read once for all of them, and forgotten after that. */
function rememberingLast(container: TorchContainer): (storage: Storage) => Promise<Buffer> {
  let last: { readonly storage: Storage; readonly bytes: Promise<Buffer> } | null = null;
  return (storage) => {
    if (last?.storage !== storage) last = { storage, bytes: container.storageBytes(storage) };
    return last.bytes;
  };
}
