/** @file Tests. Small random networks of every kind that can be exported, and what our own engine answers with them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asRead, type EncodedPair, encodePair } from '../../main/data/encoding.ts';
import { Vocabulary } from '../../main/data/vocabulary.ts';
import { WordPiecePairs } from '../../main/data/wordpiece/wordPiecePairs.ts';
import { WordPieceTokenizer } from '../../main/data/wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from '../../main/data/wordpiece/wordPieceVocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { openEngine } from '../../main/engines/registry.ts';
import {
  type ExportedModel,
  type ExportedTokenizer,
  type OpenExportedModel,
  openExportedModel,
} from '../../main/export/exportedModel.ts';
import { ExportFolder } from '../../main/export/exportFolder.ts';
import type { PaddedBatch } from '../../main/export/modelRunner.ts';
import { encodeSafetensors } from '../../main/files/safetensors.ts';
import { predictLogits } from '../../main/model/classifier.ts';
import type { PackedBatch } from '../../main/model/packedBatch.ts';
import { initialValues, ParameterSet, parameterShapes } from '../../main/model/parameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { dataDirectoryForTests, whyAbsent } from './enginesForTests.ts';
import { Inputs } from './onEngine.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const SIZES: Omit<ModelConfig, 'variant' | 'activation' | 'layerNormEps' | 'embeddingNorm'> = {
  ...{ vocabularySize: 60, layers: 2, hidden: 24, heads: 3, feedForward: 40 },
  ...{ maxPositions: 40, classes: 3, dropout: 0.1, segments: 2, headActivation: 'tanh', headDropout: false },
};

export const BOOK: ModelConfig = {
  ...SIZES,
  ...{ variant: 'book', activation: 'relu', layerNormEps: 1e-5, embeddingNorm: false },
};

export const BERT: ModelConfig = {
  ...SIZES,
  ...{ variant: 'huggingface', activation: 'gelu', layerNormEps: 1e-12, embeddingNorm: true },
};

export const BERT_TANH: ModelConfig = { ...BERT, activation: 'gelu_tanh', layers: 1, classes: 2 };

/** DistilBERT: no segments, ReLU in the head. */
export const DISTILBERT: ModelConfig = { ...BERT, segments: 0, headActivation: 'relu' };

/** By name, for tests of all of them. */
export const NETWORKS: readonly (readonly [string, ModelConfig])[] = [
  ["the book's network", BOOK],
  ['BERT', BERT],
  ['DistilBERT', DISTILBERT],
  ['BERT with the tanh form of GELU, one layer, two classes', BERT_TANH],
];

const WORDS = 'a the man woman dog cat sits runs sleeps is not on under red blue mat house outside'.split(
  ' ',
);

export function wordsTokenizer(): ExportedTokenizer {
  const tokens = ['<unk>', '<pad>', '<mask>', '<cls>', '<sep>', ...WORDS].sort();
  return { kind: 'words', vocabulary: new Vocabulary(tokens, 'a test'), truncation: 'longer-first' };
}

export function wordPieceTokenizer(): ExportedTokenizer {
  const pieces = ['##s', '##ing', '##ed', 'sleep', 'walk', '.', ',', '!', '?'];
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...WORDS, ...pieces];
  const vocabulary = new WordPieceVocabulary(tokens, 'a test');
  const settings = { lowercase: true, stripAccents: true };
  const tokenizer = new WordPieceTokenizer(vocabulary, settings);
  return { kind: 'wordpiece', tokenizer, truncation: 'longer-first' };
}

type Tensors = Map<string, { dtype: 'F32'; shape: number[]; values: Float32Array }>;

/** Random parameters, all of them different from where they begin. */
function randomTensors(config: ModelConfig, seed: number): Tensors {
  const inputs = new Inputs(seed);
  return new Map(
    parameterShapes(config).map((shape, position) => {
      const values = initialValues(shape, position, seed);
      const noise = inputs.normal(values.length);
      for (let i = 0; i < values.length; i++) values[i]! += 0.1 * noise[i]!;
      return [shape.name, { dtype: 'F32', shape: [...shape.shape], values }];
    }),
  );
}

export interface RandomModelOptions {
  readonly seed?: number;
  /** Damages the weights before they are written. */
  readonly change?: (tensors: Tensors) => void;
}

/** Writes random weights, and opens them as an export does. */
export function randomModel(
  config: ModelConfig,
  { seed = 7, change }: RandomModelOptions = {},
): Promise<OpenExportedModel> {
  const tensors = randomTensors(config, seed);
  change?.(tensors);
  return openExportedModel({
    name: 'a random network',
    config,
    labels: config.classes === 3 ? ['entailment', 'contradiction', 'neutral'] : ['no', 'yes'],
    sentencesPerExample: 2,
    maxLen: config.maxPositions,
    tokenizer: config.variant === 'book' ? wordsTokenizer() : wordPieceTokenizer(),
    weightsPath: weightsFile(tensors),
  });
}

/** Path of a file with these weights. */
export function weightsFile(tensors: Tensors): string {
  const path = join(temporaryFolder(), 'weights.safetensors');
  writeFileSync(path, Buffer.concat(encodeSafetensors(tensors)));
  return path;
}

export const emptyExportFolder = () => new ExportFolder(temporaryFolder());

/** Pairs of random ids, `lengths` tokens each, padded to the longest. */
export function randomBatch(config: ModelConfig, lengths: readonly number[], seed = 1): PaddedBatch {
  const inputs = new Inputs(seed);
  const length = Math.max(...lengths);
  const pairs = lengths.length;
  const batch = {
    inputIds: new Int32Array(pairs * length),
    attentionMask: new Int32Array(pairs * length),
    segmentIds: new Int32Array(pairs * length),
  };
  for (const [pair, tokens] of lengths.entries()) {
    const segmentStart = 1 + inputs.below(tokens - 1);
    for (let position = 0; position < tokens; position++) {
      const at = pair * length + position;
      batch.inputIds[at] = inputs.below(config.vocabularySize);
      batch.attentionMask[at] = 1;
      batch.segmentIds[at] = position < segmentStart ? 0 : 1;
    }
  }
  return { pairs, length, ...batch };
}

/** A pair as the studio encodes it. */
export function encodedPair(
  { tokenizer, maxLen }: ExportedModel,
  premise: string,
  hypothesis: string | null,
): EncodedPair {
  const { truncation } = tokenizer;
  const pairs =
    tokenizer.kind === 'words'
      ? new WordsTokenizer(tokenizer.vocabulary)
      : new WordPiecePairs(tokenizer.tokenizer);
  return encodePair(asRead({ premise, hypothesis }, pairs), pairs, { maxLen, truncation });
}

/** Encoded pairs, padded with zeros to the longest. */
export function paddedBatch(encoded: readonly EncodedPair[]): PaddedBatch {
  const length = Math.max(...encoded.map(({ ids }) => ids.length));
  const pairs = encoded.length;
  const batch = {
    inputIds: new Int32Array(pairs * length),
    attentionMask: new Int32Array(pairs * length),
    segmentIds: new Int32Array(pairs * length),
  };
  for (const [pair, { ids, segmentStart }] of encoded.entries()) {
    batch.inputIds.set(ids, pair * length);
    batch.attentionMask.fill(1, pair * length, pair * length + ids.length);
    batch.segmentIds.fill(1, pair * length + segmentStart, pair * length + ids.length);
  }
  return { pairs, length, ...batch };
}

/** Lengths from `shortest` to `longest`, both among them. */
export function variedLengths(pairs: number, shortest: number, longest: number): number[] {
  return Array.from({ length: pairs }, (_, pair) =>
    pairs === 1 ? longest : shortest + Math.floor((pair * (longest - shortest)) / (pairs - 1)),
  );
}

/** Logits [P, C] of our own engine. */
export async function ownLogits(model: ExportedModel, batch: PaddedBatch): Promise<Float32Array> {
  const engine = whyAbsent('native') === null ? 'native' : 'wasm';
  await openEngine(engine, { dataDirectory: dataDirectoryForTests() });
  const values = new Map<string, Float32Array>();
  for (const { name } of model.weights.shapes) values.set(name, await model.weights.read(name));
  const parameters = new ParameterSet(model.weights.shapes, ({ name }) => values.get(name)!);
  const logits = predictLogits(model.config, parameters, packed(batch));
  const answer = (await logits.data()) as Float32Array;
  logits.dispose();
  parameters.dispose();
  return answer.slice();
}

function packed({ pairs, length, inputIds, attentionMask, segmentIds }: PaddedBatch): PackedBatch {
  const places = [...attentionMask.keys()].filter((at) => attentionMask[at] === 1);
  const offsets = new Int32Array(pairs + 1);
  for (const at of places) offsets[Math.floor(at / length) + 1]! += 1;
  for (let pair = 0; pair < pairs; pair++) offsets[pair + 1]! += offsets[pair]!;
  return {
    pairs,
    rows: places.length,
    ids: Int32Array.from(places, (at) => inputIds[at]!),
    segments: Int32Array.from(places, (at) => segmentIds[at]!),
    positions: Int32Array.from(places, (at) => at % length),
    offsets,
    pairIndices: Int32Array.from({ length: pairs }, (_, pair) => pair),
    labels: new Int32Array(pairs),
  };
}

/** Largest distance of two answers, relative to their size where that is above 1. */
export function largestDifference(left: Float32Array, right: Float32Array): number {
  if (left.length !== right.length) throw new Error(`${left.length} numbers are not ${right.length}`);
  let largest = 0;
  for (let i = 0; i < left.length; i++)
    largest = Math.max(largest, Math.abs(left[i]! - right[i]!) / Math.max(1, Math.abs(right[i]!)));
  return largest;
}
