/** @file Runs anywhere. The config.json of transformers for a network of BERT's family. */
import type { ModelConfig } from '../../../shared/runs.ts';
import type { Family } from '../../models/huggingFace/names.ts';
import type { ExportedModel } from '../exportedModel.ts';

/** Both tanh forms of GELU are the same function; this name is the one that every version knows. */
const ACTIVATIONS: Readonly<Record<ModelConfig['activation'], string>> = {
  relu: 'relu',
  gelu: 'gelu',
  gelu_tanh: 'gelu_new',
};

export function configJson({ config, labels, tokenizer }: ExportedModel, family: Family): object {
  const common = {
    id2label: Object.fromEntries(labels.map((label, index) => [index, label])),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
    problem_type: 'single_label_classification',
    vocab_size: config.vocabularySize,
    max_position_embeddings: config.maxPositions,
    pad_token_id: tokenizer.kind === 'words' ? tokenizer.vocabulary.pad : tokenizer.tokenizer.vocabulary.pad,
    torch_dtype: 'float32',
  };
  return family === 'bert'
    ? {
        architectures: ['BertForSequenceClassification'],
        model_type: 'bert',
        hidden_size: config.hidden,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        intermediate_size: config.feedForward,
        hidden_act: ACTIVATIONS[config.activation],
        hidden_dropout_prob: config.dropout,
        attention_probs_dropout_prob: config.dropout,
        layer_norm_eps: config.layerNormEps,
        type_vocab_size: 2,
        position_embedding_type: 'absolute',
        ...common,
      }
    : {
        architectures: ['DistilBertForSequenceClassification'],
        model_type: 'distilbert',
        dim: config.hidden,
        n_layers: config.layers,
        n_heads: config.heads,
        hidden_dim: config.feedForward,
        activation: ACTIVATIONS[config.activation],
        dropout: config.dropout,
        attention_dropout: config.dropout,
        seq_classif_dropout: config.dropout,
        sinusoidal_pos_embds: false,
        ...common,
      };
}
