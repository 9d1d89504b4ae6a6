/**
 * @file Runs in the exporting child. Every format in one table: how it is written, which file stands for it, how it is
 * opened again to be asked, and how a copy that tells its layers is made.
 */
import { join } from 'node:path';
import type { ExportPrecision, ModelFormat } from '../../shared/exports.ts';
import type { ExportedModel } from '../export/exportedModel.ts';
import type { ExportFolder } from '../export/exportFolder.ts';
import type { ModelRunner } from '../export/modelRunner.ts';
import { openOnnxRunner } from '../export/onnx/onnxRunner.ts';
import { ONNX_FILES, writeDiagnosticOnnx, writeOnnx } from '../export/onnx/writeOnnx.ts';
import { writePage } from '../export/page/writePage.ts';
import type { RunFileParts } from '../export/runFile/runFile.ts';
import { runFileName, writeRunFile } from '../export/runFile/writeRunFile.ts';
import { openTensorflowJsRunner } from '../export/tensorflowjs/tensorflowJsRunner.ts';
import { writeDiagnosticTensorflowJs, writeTensorflowJs } from '../export/tensorflowjs/writeTensorflowJs.ts';
import { writeHuggingFace } from '../export/writeHuggingFace.ts';
import { WEIGHTS_FILE, writeTorch } from '../export/writeTorch.ts';
import type { PageParts } from './job.ts';
import { openPageRunner } from './pageRunner.ts';
import { readBack } from './readBack.ts';

export interface FormatContext {
  readonly model: ExportedModel;
  readonly precision: ExportPrecision;
  /** Only for a run file. */
  readonly runFile: RunFileParts | null;
  readonly page: PageParts;
  /** In words, for the report: "native, cpu". */
  readonly studioRuntime: string;
}

export interface Format {
  /** The file in it that answers. */
  file(context: FormatContext): string;
  write(folder: ExportFolder, context: FormatContext): Promise<void>;
  /** @param path the written folder */
  open(path: string, context: FormatContext): Promise<ModelRunner>;
  /** Writes a copy whose every layer is an output; null where the runner can be asked for its layers. */
  readonly writeDiagnostic: ((folder: ExportFolder, context: FormatContext) => Promise<unknown>) | null;
}

const HALF = { fp32: false, fp16: true, int8: true } as const satisfies Record<ExportPrecision, boolean>;

export const FORMATS: Readonly<Record<ModelFormat, Format>> = {
  hf: {
    file: () => WEIGHTS_FILE,
    write: (folder, { model }) => writeHuggingFace(model, folder),
    open: (path, context) => readBack('hf', path, context),
    writeDiagnostic: null,
  },
  torch: {
    file: () => WEIGHTS_FILE,
    write: (folder, { model }) => writeTorch(model, folder),
    open: (path, context) => readBack('torch', path, context),
    writeDiagnostic: null,
  },
  run: {
    file: ({ runFile }) => runFileName(required(runFile).run.id),
    write: (folder, { runFile }) => writeRunFile(required(runFile), folder),
    open: (path, context) => readBack('run', path, context),
    writeDiagnostic: null,
  },
  onnx: {
    file: ({ precision }) => ONNX_FILES[precision],
    write: (folder, { model, precision }) => writeOnnx(model, folder, { precisions: [precision] }),
    open: (path, { precision }) => openOnnxRunner(join(path, ONNX_FILES[precision])),
    writeDiagnostic: (folder, { model, precision }) => writeDiagnosticOnnx(model, folder, { precision }),
  },
  tfjs: {
    file: () => 'model.json',
    write: (folder, { model, precision }) => writeTensorflowJs(model, folder, { half: HALF[precision] }),
    open: (path) => openTensorflowJsRunner(path),
    writeDiagnostic: (folder, { model, precision }) =>
      writeDiagnosticTensorflowJs(model, folder, { half: HALF[precision] }),
  },
  web: {
    file: () => 'index.html',
    write: (folder, { model, precision, page }) =>
      writePage(model, folder, { ...page, half: HALF[precision] }),
    open: (path) => openPageRunner(path),
    // The same graph: a layer that differs here differs there.
    writeDiagnostic: null,
  },
};

function required(parts: RunFileParts | null): RunFileParts {
  if (parts === null) throw new Error('a run file needs the run');
  return parts;
}
