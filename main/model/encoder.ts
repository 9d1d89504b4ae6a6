/** @file Runs anywhere. The BERT encoder over packed rows, the book's and Hugging Face's variant by configuration. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import type { EmbeddedRows } from './distinctRows.ts';
import {
  attentionOutputPlace,
  attentionPlace,
  type DropoutSource,
  embeddingPlace,
  feedForwardOutputPlace,
} from './dropout.ts';
import { addDropoutNorm, type NormWeights, normDropout } from './kernels/addDropoutNorm.ts';
import { attention } from './kernels/attention.ts';
import { embeddingSum } from './kernels/embeddingSum.ts';
import { type LinearWeights, linear } from './kernels/linear.ts';
import { pooledAttention } from './kernels/pooledAttention.ts';
import { projections } from './kernels/projections.ts';
import { gatherRows, lookUp } from './kernels/rows.ts';
import { firstRowLayout, firstRowMaps, type PackedBatch, type RowLayout } from './packedBatch.ts';
import { SEGMENT_TABLE } from './parameters.ts';

/** Parameters by their state-dict name. */
export type Weights = (name: string) => tf.Tensor;

export interface EncoderOptions {
  /** null outside training */
  readonly dropout: DropoutSource | null;
  /** `first`: the last layer computes only the first row of each pair, which is all that a classifier reads. */
  readonly lastLayer: 'first' | 'all';
  /** Frees what a layer leaves behind as soon as it is done: for forward passes that nothing differentiates. */
  readonly freesLayers?: boolean;
  /** Receives each layer's attention weights, padded [P, N, queries, T]. */
  readonly onAttention?: (layer: number, weights: tf.Tensor4D) => void;
  /** Receives what the first layer is given: [E, H]. */
  readonly onEmbeddings?: (embedded: tf.Tensor2D) => void;
  /** Receives each layer's output, [R, H] (the last one [P, H] with `first`). */
  readonly onLayer?: (layer: number, output: tf.Tensor2D) => void;
}

export interface EncoderInput {
  /** [E, H] the token table's rows of `rows.ids`, gathered by the caller */
  readonly tokenRows: tf.Tensor2D;
  readonly rows: EmbeddedRows;
  readonly batch: PackedBatch;
}

/** What a layer is given: [E, H] and which of its rows each row of the batch is, or [R, H] and null. */
interface LayerInput {
  readonly x: tf.Tensor2D;
  readonly sources: Int32Array | null;
}

interface LayerContext {
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly batch: PackedBatch;
  readonly options: EncoderOptions;
  readonly layer: number;
}

/** -> [R, H], or [P, H] with lastLayer `first` */
export function encode(
  config: ModelConfig,
  weights: Weights,
  input: EncoderInput,
  options: EncoderOptions,
): tf.Tensor2D {
  const { batch } = input;
  let x = embed(config, weights, input, options);
  options.onEmbeddings?.(x);
  for (let layer = 0; layer < config.layers; layer++) {
    const context: LayerContext = { config, weights, batch, options, layer };
    const reduced = layer === config.layers - 1 && options.lastLayer === 'first';
    const before = x;
    const given: LayerInput = { x, sources: layer === 0 ? input.rows.sources : null };
    const run = () => (reduced ? firstRowLayer(given, context) : fullLayer(given, context));
    x = options.freesLayers === true ? tf.tidy(run) : run();
    if (options.freesLayers === true) before.dispose();
    options.onLayer?.(layer, x);
  }
  return x;
}

function embed(
  config: ModelConfig,
  weights: Weights,
  { tokenRows, rows, batch }: EncoderInput,
  { dropout }: EncoderOptions,
): tf.Tensor2D {
  const segmentTable = segmentTableOf(config, weights);
  const positionTable = weights('encoder.pos_embedding') as tf.Tensor3D;
  const x = embeddingSum(tokenRows, segmentTable, positionTable, rows);
  if (!config.embeddingNorm) return x;
  // Rows that stand for several have no dropout, and so no layout of their own.
  const options = { layout: batch, dropout, place: embeddingPlace(config.layers) };
  return normDropout(x, normWeights('encoder.embedding_norm', weights, config), options);
}

/** Where a network does not read segments, both add nothing. */
function segmentTableOf({ segments, hidden }: ModelConfig, weights: Weights): tf.Tensor2D {
  return segments === 0 ? tf.zeros([2, hidden]) : (weights(SEGMENT_TABLE) as tf.Tensor2D);
}

function fullLayer(input: LayerInput, context: LayerContext): tf.Tensor2D {
  const { config, weights, batch, options, layer } = context;
  const of = (which: string) => linearWeights(`${blockName(layer)}.attention.W_${which}`, weights);
  const [queries, keys, values] = projections(input.x, [of('q'), of('k'), of('v')]);
  const attended = attention(queries, keys, values, {
    heads: config.heads,
    layout: batch,
    dropout: options.dropout,
    place: attentionPlace(layer),
    sources: input.sources,
    ...attentionListener(context),
  });
  return afterAttention(input, { attended, layout: batch }, context);
}

/** One row a pair; keys and values are not projected token by token (architecture.md, idea 2). */
function firstRowLayer(input: LayerInput, context: LayerContext): tf.Tensor2D {
  const { config, weights, batch, options, layer } = context;
  const { hidden, heads } = config;
  const headWidth = hidden / heads;
  const x = input.sources === null ? input.x : lookUp(input.x, input.sources);
  const { firstRows, pairOfRow } = firstRowMaps(batch);
  const first = gatherRows(x, firstRows, pairOfRow);
  const of = (which: string) => linearWeights(`${blockName(layer)}.attention.W_${which}`, weights);
  const byHead = (weight: tf.Tensor2D) => tf.reshape(weight, [heads, headWidth, hidden]);
  const queries = tf.transpose(
    tf.reshape(linear(first, of('q')), [batch.pairs, heads, headWidth]),
    [1, 0, 2],
  );
  // W_kᵀ q: [N, P, D]·[N, D, H]; the keys' bias adds the same to every score of a query, so it falls out.
  const absorbed = tf.transpose(tf.matMul(queries, byHead(of('k').weight)), [1, 0, 2]) as tf.Tensor3D;
  const pooled = pooledAttention(x, absorbed, {
    heads,
    layout: batch,
    dropout: options.dropout,
    place: attentionPlace(layer),
    scale: 1 / Math.sqrt(headWidth),
    ...attentionListener(context),
  });
  const sums = tf.transpose(tf.slice(pooled, [0, 0, 0], [batch.pairs, heads, hidden]), [1, 0, 2]);
  const shares = tf.slice(pooled, [0, 0, hidden], [batch.pairs, heads, 1]);
  const values = tf.transpose(tf.matMul(sums, byHead(of('v').weight), false, true), [1, 0, 2]);
  const bias = tf.mul(shares, tf.reshape(of('v').bias, [1, heads, headWidth]));
  const attended = tf.reshape(tf.add(values, bias), [batch.pairs, hidden]) as tf.Tensor2D;
  const ofFirst = { attended, layout: firstRowLayout(batch) };
  return afterAttention({ x: first, sources: null }, ofFirst, context);
}

/** Output projection, first norm, feed-forward, second norm: the same for whole layers and single rows. */
function afterAttention(
  { x, sources }: LayerInput,
  { attended, layout }: { readonly attended: tf.Tensor2D; readonly layout: RowLayout },
  { config, weights, options, layer }: LayerContext,
): tf.Tensor2D {
  const block = blockName(layer);
  const { dropout } = options;
  const output = linear(attended, linearWeights(`${block}.attention.W_o`, weights));
  const firstNorm = normWeights(`${block}.addnorm1.ln`, weights, config);
  const place = attentionOutputPlace(layer);
  const y = addDropoutNorm(output, x, firstNorm, { layout, dropout, place, sources });
  const inner = linear(y, linearWeights(`${block}.ffn.dense1`, weights), config.activation);
  const outer = linear(inner, linearWeights(`${block}.ffn.dense2`, weights));
  const secondNorm = normWeights(`${block}.addnorm2.ln`, weights, config);
  return addDropoutNorm(outer, y, secondNorm, { layout, dropout, place: feedForwardOutputPlace(layer) });
}

const blockName = (layer: number) => `encoder.blks.${layer}`;

export function linearWeights(name: string, weights: Weights): LinearWeights {
  return { weight: weights(`${name}.weight`) as tf.Tensor2D, bias: weights(`${name}.bias`) as tf.Tensor1D };
}

function normWeights(name: string, weights: Weights, config: ModelConfig): NormWeights {
  const gamma = weights(`${name}.weight`) as tf.Tensor1D;
  return { gamma, beta: weights(`${name}.bias`) as tf.Tensor1D, eps: config.layerNormEps };
}

function attentionListener({ options, layer }: LayerContext): { onWeights?: (weights: tf.Tensor4D) => void } {
  const { onAttention } = options;
  return onAttention === undefined ? {} : { onWeights: (weights) => onAttention(layer, weights) };
}
