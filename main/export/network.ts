/**
 * @file Runs anywhere. The network as a walk: what is computed from what, told to whoever writes a graph of one format.
 * The same as main/model/encoder.ts computes, for padded batches and without dropout. Shapes: P pairs, T tokens, H
 * hidden, C classes; R rows are [P, T], or [P] behind `firstRows`.
 */
import type { ModelConfig } from '../../shared/runs.ts';

export type GraphActivation = 'none' | 'tanh' | ModelConfig['activation'];

export interface AttentionInputs<Value> {
  /** [R, H]: a row for each token, or one a pair */
  readonly queries: Value;
  /** [P, T, H] */
  readonly keys: Value;
  /** [P, T, H] */
  readonly values: Value;
  /** Of `keyPenalty`. */
  readonly penalty: Value;
}

/** What a format must be able to write; names are those of our parameters, or of places in the network. */
export interface GraphWriter<Value> {
  /** Rows of the token table by the input ids: [P, T, H]. */
  tokenRows(table: string): Value;
  /** Rows of the segment table by the input segments: [P, T, H]. */
  segmentRows(table: string): Value;
  /** The first T rows of the position table: what can be added to [P, T, H]. */
  positionRows(table: string): Value;
  /** 0 where the mask is 1, MASKED_SCORE where it is 0: what can be added to scores [P, N, T, T]. */
  keyPenalty(): Value;
  /** Elementwise. */
  add(place: string, left: Value, right: Value): Value;
  /** act(x·Wᵀ + b) for each row. */
  linear(x: Value, name: string, activation: GraphActivation): Value;
  layerNorm(x: Value, name: string): Value;
  /** softmax(q·kᵀ / √D + penalty)·v for each head: [R, H]. */
  attention(place: string, inputs: AttentionInputs<Value>): Value;
  /** The first row of each pair: [P, T, H] -> [P, H], in whatever rank the format keeps rows. */
  firstRows(x: Value): Value;
  /** Makes a value an output of the graph. */
  output(name: string, value: Value): void;
}

/** The book sets masked scores to -1e6 (book.md 3); exp of that is exactly 0. */
export const MASKED_SCORE = -1e6;

/** Outputs of a diagnostic copy: `embeddings`, then `layer_0` and so on. */
export const EMBEDDINGS_OUTPUT = 'embeddings';
export const layerOutput = (layer: number) => `layer_${layer}`;
export const LOGITS_OUTPUT = 'logits';

/** @param diagnostic makes every layer's rows an output too; the last layer has only the first row of each pair. */
export function writeNetwork<Value>(
  config: ModelConfig,
  graph: GraphWriter<Value>,
  { diagnostic }: { diagnostic: boolean },
): void {
  const tell = (name: string, value: Value) => {
    if (diagnostic) graph.output(name, value);
  };
  let x = writeEmbeddings(config, graph);
  tell(EMBEDDINGS_OUTPUT, x);
  const penalty = graph.keyPenalty();
  for (let layer = 0; layer < config.layers; layer++) {
    // The last layer computes only what the head reads.
    x = writeLayer(config, graph, { x, penalty, layer, isLast: layer === config.layers - 1 });
    tell(layerOutput(layer), x);
  }
  const hidden = graph.linear(x, 'hidden.0', config.headActivation);
  graph.output(LOGITS_OUTPUT, graph.linear(hidden, 'output', 'none'));
}

function writeEmbeddings<Value>(config: ModelConfig, graph: GraphWriter<Value>): Value {
  const tokens = graph.tokenRows('encoder.token_embedding.weight');
  const places = graph.positionRows('encoder.pos_embedding');
  let x = tokens;
  if (config.segments > 0) {
    x = graph.add('encoder.segments', x, graph.segmentRows('encoder.segment_embedding.weight'));
  }
  x = graph.add('encoder.positions', x, places);
  return config.embeddingNorm ? graph.layerNorm(x, 'encoder.embedding_norm') : x;
}

interface LayerPlace<Value> {
  readonly x: Value;
  readonly penalty: Value;
  readonly layer: number;
  readonly isLast: boolean;
}

function writeLayer<Value>(
  config: ModelConfig,
  graph: GraphWriter<Value>,
  { x, penalty, layer, isLast }: LayerPlace<Value>,
): Value {
  const block = `encoder.blks.${layer}`;
  const read = isLast ? graph.firstRows(x) : x;
  const attended = graph.attention(`${block}.attention`, {
    queries: graph.linear(read, `${block}.attention.W_q`, 'none'),
    keys: graph.linear(x, `${block}.attention.W_k`, 'none'),
    values: graph.linear(x, `${block}.attention.W_v`, 'none'),
    penalty,
  });
  const output = graph.linear(attended, `${block}.attention.W_o`, 'none');
  const y = graph.layerNorm(graph.add(`${block}.residual1`, output, read), `${block}.addnorm1.ln`);
  const inner = graph.linear(y, `${block}.ffn.dense1`, config.activation);
  const outer = graph.linear(inner, `${block}.ffn.dense2`, 'none');
  return graph.layerNorm(graph.add(`${block}.residual2`, outer, y), `${block}.addnorm2.ln`);
}
