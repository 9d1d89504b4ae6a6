/** @file Runs in workers. The weights of an imported model, which are those that were sealed when it was imported. */
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { decodeSafetensors } from '../files/safetensors.ts';
import { readSealedFolder } from '../files/sealedFolderReading.ts';
import type { NamedTensor } from '../files/tensorTypes.ts';
import type { ParameterShape } from '../model/parameters.ts';

const WEIGHTS_FILE = 'weights.safetensors';

/** @throws StudioError CHECKSUM_MISMATCH, BAD_FILE when the folder is not what it was, NOT_FOUND, UNREADABLE. */
export function importedTensors(
  folder: string,
  expected: { readonly manifestSha256: string },
): ReadonlyMap<string, NamedTensor> {
  const bytes = readSealedFolder(folder, expected).get(WEIGHTS_FILE);
  const source = join(folder, WEIGHTS_FILE);
  if (bytes === undefined)
    throw new StudioError('BAD_FILE', `${folder} has no ${WEIGHTS_FILE}.`, {
      nextStep: 'Delete the model and import it again.',
      place: { file: folder },
    });
  return decodeSafetensors(bytes, { source }).tensors;
}

/** The numbers of a parameter; null when the file has none of its name and shape. */
export function valuesOfShape(
  tensors: ReadonlyMap<string, NamedTensor>,
  { name, shape }: ParameterShape,
): Float32Array | null {
  const tensor = tensors.get(name);
  const fits =
    tensor !== undefined && tensor.values instanceof Float32Array && `${tensor.shape}` === `${shape}`;
  return fits ? (tensor.values as Float32Array) : null;
}
