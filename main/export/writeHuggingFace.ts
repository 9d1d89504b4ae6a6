/**
 * @file Node. A folder as transformers has it: config.json, model.safetensors under its names, tokenizer files. The
 * book's network is no model of transformers: it keeps the book's names, and the card shows how PyTorch reads them.
 */
import type { ModelConfig } from '../../shared/runs.ts';
import { type StreamedTensor, streamSafetensors } from '../files/safetensorsStream.ts';
import { namesInFile } from '../models/huggingFace/names.ts';
import type { ExportedModel } from './exportedModel.ts';
import type { ExportFolder } from './exportFolder.ts';
import { huggingFaceConfig } from './huggingFaceConfig.ts';
import { tokenizerFiles } from './tokenizerFiles.ts';
import { WEIGHTS_FILE, writeTorch } from './writeTorch.ts';

/** Null for the book's network, which transformers has no code for. */
export function familyOf(config: ModelConfig): 'bert' | 'distilbert' | null {
  if (config.variant === 'book') return null;
  return config.segments === 0 ? 'distilbert' : 'bert';
}

/** @throws StudioError as the folder and the weights do. */
export async function writeHuggingFace(model: ExportedModel, folder: ExportFolder): Promise<void> {
  const family = familyOf(model.config);
  if (family === null) return await writeTorch(model, folder);
  await folder.writeJson('config.json', huggingFaceConfig(model));
  await folder.write(WEIGHTS_FILE, streamSafetensors(familyTensors(model, family), { format: 'pt' }));
  for (const [name, text] of tokenizerFiles(model)) await folder.writeText(name, text);
}

/** Under transformers' names; its position table has no leading 1. */
function familyTensors({ config, weights }: ExportedModel, family: 'bert' | 'distilbert'): StreamedTensor[] {
  const { byOurs } = namesInFile(family, config.layers, hasEveryName);
  return weights.shapes.map(({ name, shape }) => {
    const theirs = byOurs.get(name);
    if (theirs === undefined) throw new Error(`transformers has no place for ${name}`);
    const written = name === 'encoder.pos_embedding' ? shape.slice(1) : shape;
    return { name: theirs, shape: written, read: () => weights.read(name) };
  });
}

/** The names of a model with a head, in today's spelling: gamma and beta are TensorFlow's. */
const hasEveryName = (name: string) => !/\.(gamma|beta)$/.test(name);
