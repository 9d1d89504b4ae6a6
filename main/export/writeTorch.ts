/** @file Node. Weights under the book's names (book.md 4), as PyTorch reads them, with the vocabulary and the shape. */
import { type StreamedTensor, streamSafetensors } from '../files/safetensorsStream.ts';
import type { ExportedModel } from './exportedModel.ts';
import type { ExportFolder } from './exportFolder.ts';
import { vocabularyFiles } from './vocabularyFiles.ts';

/** Name of the file of weights, in every folder that holds safetensors. */
export const WEIGHTS_FILE = 'model.safetensors';

/** The book's names are ours. @throws StudioError as the folder and the weights do. */
export async function writeTorch(model: ExportedModel, folder: ExportFolder): Promise<void> {
  await folder.write(WEIGHTS_FILE, streamSafetensors(bookTensors(model), { format: 'pt' }));
  await folder.writeJson('config.json', bookConfigJson(model));
  for (const [name, text] of vocabularyFiles(model.tokenizer)) await folder.writeText(name, text);
}

function bookTensors({ weights }: ExportedModel): StreamedTensor[] {
  return weights.shapes.map(({ name, shape }) => ({ name, shape, read: () => weights.read(name) }));
}

/** What a reader in Python needs beside the weights. */
function bookConfigJson({ config, labels, maxLen, sentencesPerExample }: ExportedModel): object {
  return { model_type: 'entail-book-bert', ...config, labels, maxLen, sentencesPerExample };
}
