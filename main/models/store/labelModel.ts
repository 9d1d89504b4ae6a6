/** @file Node. Says what the outputs of a stored head mean: the model is written again, its outputs in our order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import type { ImportedModel } from '../../../shared/models.ts';
import { readSealedFolder, verifySealedFolder } from '../../files/sealedFolderReading.ts';
import { type ContentMaker, writeStreamedFolder } from '../../files/sealedFolderStream.ts';
import { parameterShapes } from '../../model/parameters.ts';
import { inOutputOrder, labelOrder, requireNames } from '../labelOrder.ts';
import { openSafetensorsFile } from '../safetensorsFile.ts';
import type { ImportLinks } from './importModel.ts';
import { RECORD_FILE, readRecord, recordText, WEIGHTS_FILE } from './modelRecord.ts';
import { modelFolder, requireImportedModel } from './modelStore.ts';
import { weightsContent } from './weightsContent.ts';

/**
 * @param labels what each output means, in the order of the file that was imported
 * @throws StudioError NOT_FOUND; USAGE for a model without a head or with names already, and for labels that do not fit;
 * CHECKSUM_MISMATCH, BAD_FILE for a damaged folder; DISK_FULL, WRITE_FAILED
 */
export async function labelModel(
  store: string,
  { name, labels }: { readonly name: string; readonly labels: readonly string[] },
  { signal, onProgress, fileSystem }: ImportLinks = {},
): Promise<ImportedModel> {
  const { head, sizeBytes } = requireUnlabelled(store, name);
  requireNames(labels, head.classes, null);
  const order = labelOrder(labels);
  const folder = modelFolder(store, name);
  const record = readRecord(folder);
  const weights = await openSafetensorsFile(join(folder, WEIGHTS_FILE));
  try {
    const shapes = parameterShapes(record.model).filter((shape) => weights.tensors.has(shape.name));
    const read = async (parameter: string) => {
      const values = (await weights.read(parameter)).values as Float32Array;
      return parameter.startsWith('output.') ? inOutputOrder(values, order.outputs) : values;
    };
    const content = new Map<string, ContentMaker>([[WEIGHTS_FILE, () => weightsContent(shapes, read)]]);
    for (const { name: file } of verifySealedFolder(folder).files)
      if (file !== WEIGHTS_FILE && file !== RECORD_FILE)
        content.set(file, () => [readFileSync(join(folder, file))]);
    const text = recordText({ ...record, head: { ...head, labels: order.labels } });
    content.set(RECORD_FILE, () => [Buffer.from(text)]);
    let written = 0;
    await writeStreamedFolder(store, name, content, {
      replace: true,
      onBytes: (bytes) => {
        written += bytes;
        onProgress?.(Math.min(1, written / sizeBytes));
      },
      ...(signal === undefined ? {} : { signal }),
      ...(fileSystem === undefined ? {} : { fileSystem }),
    });
  } finally {
    await weights.close();
  }
  return requireImportedModel(store, name);
}

function requireUnlabelled(store: string, name: string) {
  const { head, sizeBytes } = requireImportedModel(store, name);
  if (head !== null && head.labels === null) {
    // What is written again must be what was written: damage is not to be sealed anew.
    readSealedFolder(modelFolder(store, name));
    return { head, sizeBytes };
  }
  const why = head === null ? 'has no head' : `knows its labels: ${head.labels!.join(', ')}`;
  throw new StudioError('USAGE', `The model ${name} ${why}.`, {
    nextStep:
      head === null
        ? 'Fine-tune it: it gets a head for the labels of its data set.'
        : 'Delete it and import it again with other --labels, if they are wrong.',
  });
}
