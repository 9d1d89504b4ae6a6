/**
 * @file Runs anywhere. Where the parameters of the network stand in a file of transformers: BERT's names and
 * DistilBERT's, which belong to the same network.
 */
import type { Family } from './configFile.ts';

/** A part of the network that has a weight and a bias, ours first. */
type Parts = readonly (readonly [ours: string, theirs: string])[];

interface FamilyNames {
  /** What stands before every name of a model with a head, and not of one without. */
  readonly prefix: string;
  readonly tables: Parts;
  readonly block: (layer: number) => string;
  readonly blockParts: Parts;
  /** The hidden layer that classifiers read; with its prefix, or without when it belongs to the head. */
  readonly hidden: { readonly name: string; readonly ofEncoder: boolean };
}

const FAMILIES: Readonly<Record<Family, FamilyNames>> = {
  bert: {
    prefix: 'bert.',
    tables: [
      ['encoder.pos_embedding', 'embeddings.position_embeddings.weight'],
      ['encoder.token_embedding.weight', 'embeddings.word_embeddings.weight'],
      ['encoder.segment_embedding.weight', 'embeddings.token_type_embeddings.weight'],
    ],
    block: (layer) => `encoder.layer.${layer}`,
    blockParts: [
      ['attention.W_q', 'attention.self.query'],
      ['attention.W_k', 'attention.self.key'],
      ['attention.W_v', 'attention.self.value'],
      ['attention.W_o', 'attention.output.dense'],
      ['addnorm1.ln', 'attention.output.LayerNorm'],
      ['ffn.dense1', 'intermediate.dense'],
      ['ffn.dense2', 'output.dense'],
      ['addnorm2.ln', 'output.LayerNorm'],
    ],
    hidden: { name: 'pooler.dense', ofEncoder: true },
  },
  distilbert: {
    prefix: 'distilbert.',
    tables: [
      ['encoder.pos_embedding', 'embeddings.position_embeddings.weight'],
      ['encoder.token_embedding.weight', 'embeddings.word_embeddings.weight'],
    ],
    block: (layer) => `transformer.layer.${layer}`,
    blockParts: [
      ['attention.W_q', 'attention.q_lin'],
      ['attention.W_k', 'attention.k_lin'],
      ['attention.W_v', 'attention.v_lin'],
      ['attention.W_o', 'attention.out_lin'],
      ['addnorm1.ln', 'sa_layer_norm'],
      ['ffn.dense1', 'ffn.lin1'],
      ['ffn.dense2', 'ffn.lin2'],
      ['addnorm2.ln', 'output_layer_norm'],
    ],
    hidden: { name: 'pre_classifier', ofEncoder: false },
  },
};

/** The file's names, as far as they depend on what it holds. */
export interface NamesInFile {
  /** By our names. */
  readonly byOurs: ReadonlyMap<string, string>;
  /** Whether the file has a name that is no parameter and need not be told: it numbers places. */
  readonly isBuffer: (name: string) => boolean;
}

const BUFFER = /(^|\.)embeddings\.(position_ids|token_type_ids)$/;

/** @param has whether the file has a tensor of that name */
export function namesInFile(family: Family, layers: number, has: (name: string) => boolean): NamesInFile {
  const { prefix, tables, block, blockParts, hidden } = FAMILIES[family];
  const before = has(`${prefix}embeddings.word_embeddings.weight`) ? prefix : '';
  const byOurs = new Map<string, string>();
  const add = (ours: string, theirs: string) => {
    for (const kind of ['weight', 'bias'] as const)
      byOurs.set(`${ours}.${kind}`, spelling(theirs, kind, has));
  };
  for (const [ours, theirs] of tables) byOurs.set(ours, before + theirs);
  add('encoder.embedding_norm', `${before}embeddings.LayerNorm`);
  for (let layer = 0; layer < layers; layer++)
    for (const [ours, theirs] of blockParts)
      add(`encoder.blks.${layer}.${ours}`, `${before}${block(layer)}.${theirs}`);
  add('hidden.0', hidden.ofEncoder ? before + hidden.name : hidden.name);
  add('output', 'classifier');
  return { byOurs, isBuffer: (name) => BUFFER.test(name) };
}

/** The oldest files, bert-base-uncased among them, call LayerNorm's weight gamma and its bias beta, as TensorFlow does. */
function spelling(part: string, kind: 'weight' | 'bias', has: (name: string) => boolean): string {
  const old = `${part}.${kind === 'weight' ? 'gamma' : 'beta'}`;
  return part.endsWith('LayerNorm') && has(old) ? old : `${part}.${kind}`;
}
