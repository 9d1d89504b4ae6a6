/** @file Runs anywhere. A config.json as the Hugging Face libraries read one: sizes, and the names of the classes. */
import type { ExportedModel } from './exportedModel.ts';

/**
 * BERT's or DistilBERT's configuration of this network. For the book's network it says what transformers.js needs to run
 * the ONNX file; transformers' own BERT computes something else, so no weights may lie beside it under its names.
 */
export function huggingFaceConfig(model: ExportedModel): Readonly<Record<string, unknown>> {
  const { config, labels, tokenizer } = model;
  const common = {
    id2label: Object.fromEntries(labels.map((label, output) => [output, label])),
    label2id: Object.fromEntries(labels.map((label, output) => [label, output])),
    problem_type: 'single_label_classification',
    vocab_size: config.vocabularySize,
    max_position_embeddings: config.maxPositions,
    pad_token_id: tokenizer.kind === 'words' ? tokenizer.vocabulary.pad : tokenizer.tokenizer.vocabulary.pad,
  };
  return config.segments === 0 ? distilBert(model, common) : bert(model, common);
}

const ACTIVATIONS = { relu: 'relu', gelu: 'gelu', gelu_tanh: 'gelu_new' } as const;

function bert({ config }: ExportedModel, common: object): Readonly<Record<string, unknown>> {
  return {
    architectures: ['BertForSequenceClassification'],
    model_type: 'bert',
    hidden_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.feedForward,
    hidden_act: ACTIVATIONS[config.activation],
    hidden_dropout_prob: config.dropout,
    attention_probs_dropout_prob: config.dropout,
    type_vocab_size: 2,
    layer_norm_eps: config.layerNormEps,
    position_embedding_type: 'absolute',
    ...common,
  };
}

function distilBert({ config }: ExportedModel, common: object): Readonly<Record<string, unknown>> {
  return {
    architectures: ['DistilBertForSequenceClassification'],
    model_type: 'distilbert',
    dim: config.hidden,
    n_layers: config.layers,
    n_heads: config.heads,
    hidden_dim: config.feedForward,
    activation: ACTIVATIONS[config.activation],
    dropout: config.dropout,
    attention_dropout: config.dropout,
    sinusoidal_pos_embds: false,
    ...common,
  };
}
