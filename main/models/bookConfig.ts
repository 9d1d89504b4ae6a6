/** @file Runs anywhere. The shape of a network from the shapes of the book's state dict (book.md 4). */
import { StudioError } from '../../shared/errors.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { headsOfSize } from '../model/config.ts';
import { TOKEN_TABLE } from '../model/parameters.ts';
import { requireConfig } from './fileConfig.ts';
import type { WeightFile } from './weightFile.ts';

/** What no shape tells. The book's own loader has these numbers built in, so that bert.base cannot be loaded with it. */
export interface BookChoices {
  /** null: as the named size has them whose shapes the file has. */
  readonly heads: number | null;
  /** Layers that the caller expects; null takes what the file has. */
  readonly layers: number | null;
  readonly classes: number;
  readonly dropout: number;
}

const BLOCK = /^encoder\.blks\.(\d{1,6})\./;

/** @throws StudioError BAD_FILE when the tables are not there, USAGE when the choices do not fit. */
export function bookConfigOf(file: WeightFile, choices: BookChoices): ModelConfig {
  const [vocabularySize, hidden] = shapeOf(file, TOKEN_TABLE, 2);
  const [, maxPositions] = shapeOf(file, 'encoder.pos_embedding', 3);
  const layers = layersOf(file);
  if (choices.layers !== null && choices.layers !== layers)
    throw new StudioError('USAGE', `${file.name} has ${layers} layers, not ${choices.layers}.`, {
      nextStep: 'Name the model that the file is of, or leave the number of layers out.',
      place: { file: file.name },
    });
  const [feedForward] = shapeOf(file, 'encoder.blks.0.ffn.dense1.weight', 2);
  const sizes = { layers, hidden: hidden!, feedForward: feedForward! };
  const heads = choices.heads ?? headsOfSize(sizes) ?? headsUnknown(file.name);
  requireHeads(heads, hidden!);
  const config: ModelConfig = {
    variant: 'book',
    vocabularySize: vocabularySize!,
    ...sizes,
    heads,
    maxPositions: maxPositions!,
    classes: classesOf(file, choices),
    activation: 'relu',
    layerNormEps: 1e-5,
    embeddingNorm: false,
    segments: 2,
    headActivation: 'tanh',
    headDropout: false,
    dropout: choices.dropout,
  };
  requireConfig(config, file.name);
  return config;
}

function headsUnknown(file: string): never {
  throw new StudioError('USAGE', `Nothing in ${file} tells how many attention heads its network has.`, {
    nextStep: 'Say it: --heads N. The page that offers the model tells the number.',
    place: { file },
  });
}

/** Heads are the caller's, so that a wrong number is the caller's mistake. */
function requireHeads(heads: number, hidden: number): void {
  if (Number.isSafeInteger(heads) && heads >= 1 && hidden % heads === 0) return;
  throw new StudioError(
    'USAGE',
    `The model's hidden size ${hidden} cannot be divided among ${heads} heads.`,
    {
      nextStep: 'bert.small has 4 heads, bert.base 12.',
    },
  );
}

/** A fine-tuned model says itself how many classes it has. */
function classesOf(file: WeightFile, { classes }: BookChoices): number {
  return file.tensors.get('output.bias')?.shape[0] ?? classes;
}

/** Blocks count from 0 without gaps; a gap is told later, by the names that are then missing. */
function layersOf(file: WeightFile): number {
  const numbers = new Set<string>();
  for (const name of file.tensors.keys()) {
    const number = BLOCK.exec(name)?.[1];
    if (number !== undefined) numbers.add(number);
  }
  return numbers.size;
}

function shapeOf(file: WeightFile, name: string, rank: number): readonly number[] {
  const shape = file.tensors.get(name)?.shape;
  if (shape?.length === rank) return shape;
  const what = shape === undefined ? 'has no tensor' : `has no tensor of ${rank} dimensions`;
  throw new StudioError('BAD_FILE', `${file.name} ${what} called ${name}, as the book's BERT has it.`, {
    nextStep: 'Give the parameters of a BERT of the book, or a Hugging Face folder.',
    place: { file: file.name },
  });
}
