/**
 * @file Runs anywhere. The parameters of a network: names and shapes of the book's state dict (book.md 4), initial
 * values, and the set that a trainer owns. Linear weights keep PyTorch's layout, [out, in], everywhere.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { PhiloxSequence, STREAMS } from './philox.ts';

export const TOKEN_TABLE = 'encoder.token_embedding.weight';

/** How a parameter begins: N(0, 1), U(±1/√fanIn), ones or zeros (torch's defaults, book.md 3). */
type Beginning =
  | { readonly kind: 'normal' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'uniform'; readonly fanIn: number };

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly beginning: Beginning;
  /** Encoder block, -1 for embeddings, `layers` for the hidden and output layers: layer-wise decay counts by it. */
  readonly depth: number;
  /** Biases and LayerNorm are left alone by weight decay. */
  readonly decays: boolean;
}

/** Every parameter of a classifier in the order of the book's state dict. */
export function parameterShapes(config: ModelConfig): ParameterShape[] {
  const { hidden, layers, classes } = config;
  return [...encoderShapes(config), ...linearShapes('output', { into: hidden, out: classes, depth: layers })];
}

/** Every parameter of a network that is pretrained (BERTModel, book.md 4), in the order of the book's state dict. */
export function pretrainingShapes(config: ModelConfig): ParameterShape[] {
  const { hidden, layers: depth, vocabularySize } = config;
  return [
    ...encoderShapes(config),
    ...linearShapes('mlm.mlp.0', { into: hidden, out: hidden, depth }),
    ...normShapes('mlm.mlp.2', hidden, depth),
    ...linearShapes('mlm.mlp.3', { into: hidden, out: vocabularySize, depth }),
    ...linearShapes('nsp.output', { into: hidden, out: NEXT_SENTENCE_CLASSES, depth }),
  ];
}

/** 0: any sentence, 1: the one that follows. */
export const NEXT_SENTENCE_CLASSES = 2;

/** Embeddings, blocks and the hidden layer on the first row: what fine-tuning takes over from pretraining. */
function encoderShapes(config: ModelConfig): ParameterShape[] {
  const { hidden, feedForward, layers } = config;
  const table = (name: string, shape: readonly number[]): ParameterShape => ({
    ...{ name, shape, beginning: { kind: 'normal' }, depth: -1, decays: true },
  });
  const block = (depth: number): ParameterShape[] => {
    const name = `encoder.blks.${depth}`;
    return [
      ...['q', 'k', 'v', 'o'].flatMap((which) =>
        linearShapes(`${name}.attention.W_${which}`, { into: hidden, out: hidden, depth }),
      ),
      ...normShapes(`${name}.addnorm1.ln`, hidden, depth),
      ...linearShapes(`${name}.ffn.dense1`, { into: hidden, out: feedForward, depth }),
      ...linearShapes(`${name}.ffn.dense2`, { into: feedForward, out: hidden, depth }),
      ...normShapes(`${name}.addnorm2.ln`, hidden, depth),
    ];
  };
  return [
    table('encoder.pos_embedding', [1, config.maxPositions, hidden]),
    table(TOKEN_TABLE, [config.vocabularySize, hidden]),
    table('encoder.segment_embedding.weight', [2, hidden]),
    ...(config.embeddingNorm ? normShapes('encoder.embedding_norm', hidden, -1) : []),
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ...linearShapes('hidden.0', { into: hidden, out: hidden, depth: layers }),
  ];
}

function linearShapes(
  name: string,
  { into, out, depth }: { into: number; out: number; depth: number },
): ParameterShape[] {
  const beginning = { kind: 'uniform', fanIn: into } as const;
  return [
    { name: `${name}.weight`, shape: [out, into], beginning, depth, decays: true },
    { name: `${name}.bias`, shape: [out], beginning, depth, decays: false },
  ];
}

function normShapes(name: string, width: number, depth: number): ParameterShape[] {
  const common = { shape: [width], depth, decays: false };
  return [
    { name: `${name}.weight`, beginning: { kind: 'ones' }, ...common },
    { name: `${name}.bias`, beginning: { kind: 'zeros' }, ...common },
  ];
}

export const elementCount = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Initial values decided by (seed, position in the list) alone. */
export function initialValues(shape: ParameterShape, position: number, seed: number): Float32Array {
  const values = new Float32Array(elementCount(shape.shape));
  const { beginning } = shape;
  if (beginning.kind === 'ones') return values.fill(1);
  if (beginning.kind === 'zeros') return values;
  const sequence = new PhiloxSequence(seed, STREAMS.initialWeights, position);
  if (beginning.kind === 'normal') {
    for (let index = 0; index < values.length; index++) values[index] = sequence.nextNormal();
    return values;
  }
  const bound = 1 / Math.sqrt(beginning.fanIn);
  for (let index = 0; index < values.length; index++)
    values[index] = (sequence.nextUniform() * 2 - 1) * bound;
  return values;
}

/** What the network reads its weights from: a trainer's optimizer, or the plain set below. */
export interface Parameters {
  readonly shapes: readonly ParameterShape[];
  /** The current value; it belongs to whoever holds the parameters. */
  get(name: string): tf.Tensor;
}

/** Weights without an optimizer, for evaluation and prediction. Not `tf.variable`s: their names are global. */
export class ParameterSet implements Parameters {
  readonly shapes: readonly ParameterShape[];
  readonly #tensors = new Map<string, tf.Tensor>();

  constructor(
    shapes: readonly ParameterShape[],
    values: (shape: ParameterShape, position: number) => Float32Array,
  ) {
    this.shapes = shapes;
    shapes.forEach((shape, position) => {
      const tensor = tf.tensor(values(shape, position), [...shape.shape], 'float32');
      this.#tensors.set(shape.name, tf.keep(tensor));
    });
  }

  static initial(config: ModelConfig, seed: number): ParameterSet {
    return new ParameterSet(parameterShapes(config), (shape, position) =>
      initialValues(shape, position, seed),
    );
  }

  get(name: string): tf.Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`No parameter is called ${name}.`);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}
