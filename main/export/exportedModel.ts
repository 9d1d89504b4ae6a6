/**
 * @file Node. What every writer of an export is given: a network's shape, its classes, its tokenizer, and its weights,
 * which are read one tensor at a time, so that a large model is never in memory as a whole.
 */
import { StudioError } from '../../shared/errors.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import type { Truncation } from '../data/truncation.ts';
import type { Vocabulary } from '../data/vocabulary.ts';
import type { WordPieceTokenizer } from '../data/wordpiece/wordPieceTokenizer.ts';
import { readError } from '../files/fileErrors.ts';
import { allFinite } from '../files/tensorBytes.ts';
import { checkConfig } from '../model/config.ts';
import { type ParameterShape, parameterShapes } from '../model/parameters.ts';
import { openSafetensorsFile } from '../models/safetensorsFile.ts';
import type { WeightFile } from '../models/weightFile.ts';

/** How text becomes ids: the book's words after the Treebank tokenizer, or BERT's pieces of words. */
export type ExportedTokenizer =
  | { readonly kind: 'words'; readonly vocabulary: Vocabulary; readonly truncation: Truncation }
  | { readonly kind: 'wordpiece'; readonly tokenizer: WordPieceTokenizer; readonly truncation: Truncation };

export interface ExportedWeights {
  /** By our names, in the order of the network; Linear weights are [out, in]. */
  readonly shapes: readonly ParameterShape[];
  /** @throws StudioError BAD_FILE when it holds numbers that are not finite; UNREADABLE. */
  read(name: string): Promise<Float32Array>;
}

export interface ExportedModel {
  /** What the model is called where a person reads it. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Names of the classes in the order of the outputs. */
  readonly labels: readonly string[];
  readonly sentencesPerExample: 1 | 2;
  /** Longest input in tokens, special tokens included; at most config.maxPositions. */
  readonly maxLen: number;
  readonly tokenizer: ExportedTokenizer;
  readonly weights: ExportedWeights;
}

/** A model whose file of weights is open. */
export interface OpenExportedModel extends ExportedModel {
  close(): Promise<void>;
}

export interface ModelToExport extends Omit<ExportedModel, 'weights'> {
  /** A checkpoint's weights.safetensors, or any file with our names in it. */
  readonly weightsPath: string;
}

/**
 * Opens the weights of a model and makes sure that each parameter of its network is there.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE naming a tensor that is missing or has another shape; USAGE when
 * the number of labels, the vocabulary or maxLen does not fit the network.
 */
export async function openExportedModel(model: ModelToExport): Promise<OpenExportedModel> {
  const { weightsPath, ...rest } = model;
  checkConfig(rest.config);
  checkFit(rest);
  const file = await openSafetensorsFile(weightsPath);
  try {
    const shapes = parameterShapes(rest.config);
    for (const shape of shapes) requireTensor(file, shape);
    return { ...rest, weights: { shapes, read: (name) => readFinite(file, name) }, close: file.close };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

/** How many ids the tokenizer can give. */
export function tokenCount(tokenizer: ExportedTokenizer): number {
  return tokenizer.kind === 'words' ? tokenizer.vocabulary.size : tokenizer.tokenizer.vocabulary.size;
}

function checkFit({ config, labels, maxLen, tokenizer }: Omit<ExportedModel, 'weights'>): void {
  const refuse = (why: string) => new StudioError('USAGE', `The model cannot be exported: ${why}.`);
  if (labels.length !== config.classes || new Set(labels).size !== labels.length)
    throw refuse(`it has ${config.classes} outputs, but the labels are ${labels.join(', ')}`);
  if (!Number.isSafeInteger(maxLen) || maxLen < 3 || maxLen > config.maxPositions)
    throw refuse(`its longest input is ${maxLen} tokens, which must be from 3 to ${config.maxPositions}`);
  const tokens = tokenCount(tokenizer);
  if (tokens > config.vocabularySize)
    throw refuse(`its tokenizer has ${tokens} tokens, its token table only ${config.vocabularySize} rows`);
}

function requireTensor(file: WeightFile, { name, shape }: ParameterShape): void {
  const entry = file.tensors.get(name);
  if (entry === undefined) throw unfit(file, `${file.name} lacks the parameter ${name}.`);
  if (entry.shape.join() !== shape.join())
    throw unfit(
      file,
      `${name} in ${file.name} has the shape [${entry.shape}], but its network needs [${shape}].`,
    );
  if (!FLOATS.has(entry.dtype))
    throw unfit(file, `${name} in ${file.name} is of type ${entry.dtype}; weights are 16 or 32-bit floats.`);
}

const FLOATS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16']);

async function readFinite(file: WeightFile, name: string): Promise<Float32Array> {
  const tensor = await file.read(name).catch((thrown: unknown) => {
    throw readError(thrown, file.name);
  });
  if (tensor.dtype !== 'F32' || !allFinite(tensor))
    throw unfit(file, `${name} in ${file.name} holds numbers that are not finite.`);
  return tensor.values;
}

function unfit(file: WeightFile, message: string): StudioError {
  const nextStep = 'Export another checkpoint: this one cannot answer.';
  return new StudioError('BAD_FILE', message, { nextStep, place: { file: file.name } });
}
