/**
 * @file Runs anywhere. The parameters of a network: names and shapes of the book's state dict (book.md 4), initial
 * values, and the set that a trainer owns. Linear weights keep PyTorch's layout, [out, in], everywhere.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { PhiloxSequence, STREAMS } from './philox.ts';

export const TOKEN_TABLE = 'encoder.token_embedding.weight';
export const SEGMENT_TABLE = 'encoder.segment_embedding.weight';

/**
 * How a parameter begins: N(0, deviation²), U(±1/√fanIn), ones or zeros. The book's as torch has them (book.md 3), those
 * of BERT's family as BERT's authors have them.
 */
type Beginning =
  | { readonly kind: 'normal'; readonly deviation: number }
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

/** Of tables and linear weights in BERT (initializer_range); its biases begin as zeros. */
const BERT_DEVIATION = 0.02;

/** Every parameter in the order of the book's state dict. */
export function parameterShapes(config: ModelConfig): ParameterShape[] {
  const { hidden, feedForward, layers, classes, variant } = config;
  const asBook = variant === 'book';
  const shapes: ParameterShape[] = [];
  const normal = { kind: 'normal', deviation: asBook ? 1 : BERT_DEVIATION } as const;
  const table = (name: string, shape: readonly number[]) =>
    shapes.push({ name, shape, beginning: normal, depth: -1, decays: true });
  const linear = (name: string, into: number, out: number, depth: number) => {
    const uniform = { kind: 'uniform', fanIn: into } as const;
    const [weight, bias] = [asBook ? uniform : normal, asBook ? uniform : ({ kind: 'zeros' } as const)];
    shapes.push({ name: `${name}.weight`, shape: [out, into], beginning: weight, depth, decays: true });
    shapes.push({ name: `${name}.bias`, shape: [out], beginning: bias, depth, decays: false });
  };
  const norm = (name: string, depth: number) => {
    shapes.push({
      name: `${name}.weight`,
      shape: [hidden],
      beginning: { kind: 'ones' },
      depth,
      decays: false,
    });
    shapes.push({
      name: `${name}.bias`,
      shape: [hidden],
      beginning: { kind: 'zeros' },
      depth,
      decays: false,
    });
  };
  table('encoder.pos_embedding', [1, config.maxPositions, hidden]);
  table(TOKEN_TABLE, [config.vocabularySize, hidden]);
  if (config.segments > 0) table(SEGMENT_TABLE, [config.segments, hidden]);
  if (config.embeddingNorm) norm('encoder.embedding_norm', -1);
  for (let layer = 0; layer < layers; layer++) {
    const block = `encoder.blks.${layer}`;
    for (const which of ['q', 'k', 'v', 'o']) linear(`${block}.attention.W_${which}`, hidden, hidden, layer);
    norm(`${block}.addnorm1.ln`, layer);
    linear(`${block}.ffn.dense1`, hidden, feedForward, layer);
    linear(`${block}.ffn.dense2`, feedForward, hidden, layer);
    norm(`${block}.addnorm2.ln`, layer);
  }
  linear('hidden.0', hidden, hidden, layers);
  linear('output', hidden, classes, layers);
  return shapes;
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
    for (let index = 0; index < values.length; index++)
      values[index] = beginning.deviation * sequence.nextNormal();
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
