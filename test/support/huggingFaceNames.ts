/** @file Tests. Small BERTs and DistilBERTs as transformers names their tensors, and what each is to us. */
import type { Shapes } from './numberedTensors.ts';

/** V 10, H 8, FFN 12, 2 layers, 16 positions. */
export const BERT_CONFIG = {
  model_type: 'bert',
  vocab_size: 10,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 12,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 16,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
};

export const DISTILBERT_CONFIG = {
  model_type: 'distilbert',
  architectures: ['DistilBertModel'],
  vocab_size: 10,
  dim: 8,
  n_layers: 2,
  n_heads: 2,
  hidden_dim: 12,
  activation: 'gelu',
  dropout: 0.1,
  attention_dropout: 0.1,
  max_position_embeddings: 16,
  sinusoidal_pos_embds: false,
};

type Row = readonly [theirs: string, ours: string, shape: readonly number[]];

const linear = (theirs: string, ours: string, into: number, out: number): Row[] => [
  [`${theirs}.weight`, `${ours}.weight`, [out, into]],
  [`${theirs}.bias`, `${ours}.bias`, [out]],
];
const norm = (theirs: string, ours: string): Row[] => [
  [`${theirs}.weight`, `${ours}.weight`, [8]],
  [`${theirs}.bias`, `${ours}.bias`, [8]],
];

const BERT_ROWS: readonly Row[] = [
  ['embeddings.word_embeddings.weight', 'encoder.token_embedding.weight', [10, 8]],
  ['embeddings.position_embeddings.weight', 'encoder.pos_embedding', [16, 8]],
  ['embeddings.token_type_embeddings.weight', 'encoder.segment_embedding.weight', [2, 8]],
  ...norm('embeddings.LayerNorm', 'encoder.embedding_norm'),
  ...[0, 1].flatMap((layer) => {
    const [theirs, ours] = [`encoder.layer.${layer}`, `encoder.blks.${layer}`];
    return [
      ...linear(`${theirs}.attention.self.query`, `${ours}.attention.W_q`, 8, 8),
      ...linear(`${theirs}.attention.self.key`, `${ours}.attention.W_k`, 8, 8),
      ...linear(`${theirs}.attention.self.value`, `${ours}.attention.W_v`, 8, 8),
      ...linear(`${theirs}.attention.output.dense`, `${ours}.attention.W_o`, 8, 8),
      ...norm(`${theirs}.attention.output.LayerNorm`, `${ours}.addnorm1.ln`),
      ...linear(`${theirs}.intermediate.dense`, `${ours}.ffn.dense1`, 8, 12),
      ...linear(`${theirs}.output.dense`, `${ours}.ffn.dense2`, 12, 8),
      ...norm(`${theirs}.output.LayerNorm`, `${ours}.addnorm2.ln`),
    ];
  }),
  ...linear('pooler.dense', 'hidden.0', 8, 8),
];

const DISTILBERT_ROWS: readonly Row[] = [
  ['embeddings.word_embeddings.weight', 'encoder.token_embedding.weight', [10, 8]],
  ['embeddings.position_embeddings.weight', 'encoder.pos_embedding', [16, 8]],
  ...norm('embeddings.LayerNorm', 'encoder.embedding_norm'),
  ...[0, 1].flatMap((layer) => {
    const [theirs, ours] = [`transformer.layer.${layer}`, `encoder.blks.${layer}`];
    return [
      ...linear(`${theirs}.attention.q_lin`, `${ours}.attention.W_q`, 8, 8),
      ...linear(`${theirs}.attention.k_lin`, `${ours}.attention.W_k`, 8, 8),
      ...linear(`${theirs}.attention.v_lin`, `${ours}.attention.W_v`, 8, 8),
      ...linear(`${theirs}.attention.out_lin`, `${ours}.attention.W_o`, 8, 8),
      ...norm(`${theirs}.sa_layer_norm`, `${ours}.addnorm1.ln`),
      ...linear(`${theirs}.ffn.lin1`, `${ours}.ffn.dense1`, 8, 12),
      ...linear(`${theirs}.ffn.lin2`, `${ours}.ffn.dense2`, 12, 8),
      ...norm(`${theirs}.output_layer_norm`, `${ours}.addnorm2.ln`),
    ];
  }),
];

const shapesOf = (rows: readonly Row[]): Shapes => rows.map(([theirs, , shape]) => [theirs, shape]);
const oursOf = (rows: readonly Row[]) => new Map(rows.map(([theirs, ours]) => [ours, theirs]));

/** As `BertModel` and `DistilBertModel` save them: without a prefix. */
export const BERT: Shapes = shapesOf(BERT_ROWS);
export const DISTILBERT: Shapes = shapesOf(DISTILBERT_ROWS);
/** Their names by ours. */
export const BERT_OURS: ReadonlyMap<string, string> = oursOf(BERT_ROWS);
export const DISTILBERT_OURS: ReadonlyMap<string, string> = oursOf(DISTILBERT_ROWS);

/** As models with a head save them. */
export function prefixed(prefix: string, shapes: Shapes): Shapes {
  return shapes.map(([name, shape]) => [prefix + name, shape]);
}
