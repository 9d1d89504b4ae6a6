/** @file Node. A safetensors file as a file of weights. */
import { openFileBytes } from '../files/byteSource.ts';
import { decodeSafetensors } from '../files/safetensors.ts';
import { asSinglePrecision, type TensorOutline, type WeightFile } from './weightFile.ts';

/** @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE saying what is wrong with which tensor */
export async function openSafetensorsFile(path: string): Promise<WeightFile> {
  const source = await openFileBytes(path);
  try {
    // Read at once, because every byte must be accounted for before one is used; tensors are views of these bytes.
    const bytes = await source.read(0, source.sizeBytes);
    const { tensors, widened } = decodeSafetensors(bytes, { source: path });
    const outlines = new Map<string, TensorOutline>();
    for (const [name, { dtype, shape }] of tensors)
      outlines.set(name, { dtype: widened.get(name) ?? dtype, shape });
    return {
      name: path,
      tensors: outlines,
      notes: [],
      read: async (name) => {
        const tensor = tensors.get(name);
        if (tensor === undefined) throw new Error(`${path} has no tensor ${name}`);
        return asSinglePrecision(tensor);
      },
      close: async () => undefined,
    };
  } finally {
    await source.close();
  }
}
