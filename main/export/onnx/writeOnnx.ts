/**
 * @file Node. The ONNX format: a folder as transformers.js reads it without a network, config.json, the tokenizer, and
 * one file a precision under onnx/.
 */
import type { Precision } from '../compactWeights.ts';
import type { ExportedModel } from '../exportedModel.ts';
import type { ExportFolder, WrittenFile } from '../exportFolder.ts';
import { huggingFaceConfig } from '../huggingFaceConfig.ts';
import { tokenizerFiles } from '../tokenizerFiles.ts';
import { onnxFile } from './onnxFile.ts';

/** The names by which transformers.js looks for `dtype` fp32, fp16 and q8. */
export const ONNX_FILES = {
  fp32: 'onnx/model.onnx',
  fp16: 'onnx/model_fp16.onnx',
  int8: 'onnx/model_quantized.onnx',
} as const satisfies Record<Precision, string>;

/** @throws StudioError TOO_LARGE, BAD_FILE, DISK_FULL, WRITE_FAILED, CANCELLED. */
export async function writeOnnx(
  model: ExportedModel,
  folder: ExportFolder,
  { precisions }: { precisions: readonly Precision[] },
): Promise<void> {
  // Outlines first: what cannot be written is refused before anything is.
  const files = precisions.map((precision) => {
    return [ONNX_FILES[precision], onnxFile(model, { precision, diagnostic: false })] as const;
  });
  await folder.writeJson('config.json', huggingFaceConfig(model));
  for (const [name, text] of tokenizerFiles(model)) await folder.writeText(name, text);
  for (const [name, file] of files) await folder.write(name, file.chunks());
}

/** One file with every layer's rows as outputs, to find where an answer begins to differ. Not to be shipped. */
export function writeDiagnosticOnnx(
  model: ExportedModel,
  folder: ExportFolder,
  { precision }: { precision: Precision },
): Promise<WrittenFile> {
  return folder.write(ONNX_FILES[precision], onnxFile(model, { precision, diagnostic: true }).chunks());
}
