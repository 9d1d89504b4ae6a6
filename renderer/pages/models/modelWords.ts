/** @file Runs in the page. Words for imported models. Pure. */
import type { ModelFamily, ModelHead, ModelTokenizer } from '../../../shared/models.ts';
import type { ModelConfig } from '../../../shared/runs.ts';

const FAMILIES: Readonly<Record<ModelFamily, string>> = {
  book: "the book's BERT",
  bert: 'BERT',
  distilbert: 'DistilBERT',
};
const ACTIVATIONS: Readonly<Record<ModelConfig['activation'], string>> = {
  relu: 'ReLU',
  gelu: 'GELU',
  gelu_tanh: 'GELU in its tanh form',
};

export const familyName = (family: ModelFamily): string => FAMILIES[family];

/** What it answers. */
export function headWords(head: ModelHead | null): string {
  if (head === null) return 'none: fine-tuning gives it one';
  if (head.labels === null) return `${head.classes} outputs without names`;
  return head.labels.join(', ');
}

export function networkWords(model: ModelConfig): string {
  const { layers, hidden, heads, feedForward, maxPositions } = model;
  return `${layers} layers, ${hidden} wide, ${heads} heads, feed-forward ${feedForward}, ${maxPositions} positions`;
}

export function detailWords({ activation, layerNormEps, dropout }: ModelConfig): string {
  return `${ACTIVATIONS[activation]}, LayerNorm epsilon ${layerNormEps}, dropout ${dropout}`;
}

export function tokenizerWords({ kind, tokens, lowercase }: ModelTokenizer): string {
  const what = kind === 'words' ? 'words' : 'WordPiece';
  return `${what}, ${tokens.toLocaleString('en')} tokens, ${lowercase ? 'lower case' : 'cased'}`;
}
