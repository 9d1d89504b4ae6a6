/**
 * @file Runs in the exporting child. Formats that hold weights and no program, read again by the studio's own importers and
 * asked on its own network: what was written is compared, not what Python makes of it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { readRunFile } from '../export/runFile/readRunFile.ts';
import { runFileName } from '../export/runFile/writeRunFile.ts';
import { familyOf } from '../export/writeHuggingFace.ts';
import { WEIGHTS_FILE } from '../export/writeTorch.ts';
import { ParameterSet, parameterShapes } from '../model/parameters.ts';
import { openHuggingFaceFolder } from '../models/huggingFaceFolder.ts';
import type { OpenedWeights } from '../models/importedModel.ts';
import { openSafetensorsFile } from '../models/safetensorsFile.ts';
import { takeParameters } from '../models/takeParameters.ts';
import type { FormatContext } from './formats.ts';
import { StudioModel } from './studioModel.ts';

/** @throws StudioError what the readers say. */
export async function readBack(
  to: 'hf' | 'torch' | 'run',
  path: string,
  context: FormatContext,
): Promise<StudioModel> {
  if (to === 'run') return await readRun(path, context);
  if (to === 'hf' && familyOf(context.model.config) !== null) return await readFamily(path, context);
  return await readBook(join(path, WEIGHTS_FILE), context);
}

async function readFamily(path: string, context: FormatContext): Promise<StudioModel> {
  const { labels } = context.model;
  const opened = await openHuggingFaceFolder(path, { classes: labels.length, meanings: labels });
  if (opened.fresh.length > 0) {
    await opened.close();
    throw new StudioError('BAD_FILE', `What was written lacks ${opened.fresh[0]}.`);
  }
  return await loaded(opened, opened.model, `read back as Hugging Face's folder, ${context.studioRuntime}`);
}

async function readBook(
  path: string,
  { model, studioRuntime }: FormatContext,
  what = 'safetensors',
): Promise<StudioModel> {
  const shapes = parameterShapes(model.config);
  const file = await openSafetensorsFile(path);
  const taken = takeParameters(
    file,
    shapes.map((parameter) => ({ parameter, from: parameter.name })),
  );
  return await loaded(taken, model.config, `read back as ${what}, ${studioRuntime}`);
}

/** As another studio would import it: unpacked, every sum compared, then its checkpoint's weights. */
async function readRun(path: string, context: FormatContext): Promise<StudioModel> {
  const { runFile } = context;
  const folder = mkdtempSync(join(path, '.read-back-'));
  try {
    const parts = await readRunFile(join(path, runFileName(runFile!.run.id)), folder);
    const weights = join(folder, 'checkpoints', parts.checkpoint.folder, 'weights.safetensors');
    return await readBook(weights, context, 'a run file');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function loaded(
  { read, close }: Pick<OpenedWeights, 'read' | 'close'>,
  config: ModelConfig,
  runtime: string,
): Promise<StudioModel> {
  const shapes = parameterShapes(config);
  try {
    const values = new Map<string, Float32Array>();
    for (const { name } of shapes) values.set(name, await read(name));
    return new StudioModel(config, new ParameterSet(shapes, ({ name }) => values.get(name)!), runtime);
  } finally {
    await close();
  }
}
