/**
 * @file Runs in the exporting child. Formats that hold weights and no program, read again by the studio's own importers and
 * asked on its own network: what was written is compared, not what Python makes of it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunFile } from '../export/runFile/readRunFile.ts';
import { runFileName } from '../export/runFile/writeRunFile.ts';
import { familyOf } from '../export/writeHuggingFace.ts';
import { WEIGHTS_FILE } from '../export/writeTorch.ts';
import { ParameterSet, parameterShapes } from '../model/parameters.ts';
import { openSafetensorsFile } from '../models/safetensorsFile.ts';
import { takeParameters } from '../models/takeParameters.ts';
import type { FormatContext } from './formats.ts';
import { StudioModel } from './studioModel.ts';

/** @throws StudioError what the readers say. */
export async function readBack(to: 'hf' | 'torch' | 'run', path: string, context: FormatContext): Promise<StudioModel> {
  if (to === 'run') return await readRun(path, context);
  if (to === 'hf' && familyOf(context.model.config) !== null) return await readFamily(path, context);
  return await readBook(join(path, WEIGHTS_FILE), context, "Entail's reader of safetensors");
}
