/** @file Node. The config.json of a Hugging Face folder: which network it describes, of those that there is code for. */
import { join } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../../shared/errors.ts';
import type { ModelConfig } from '../../../shared/runs.ts';
import { requireConfig } from '../fileConfig.ts';
import { readJsonFile } from './jsonFile.ts';

/** BERT in all sizes (MiniLM among them), and DistilBERT, which has neither segments nor a pooler. */
export type Family = 'bert' | 'distilbert';

export interface HuggingFaceConfig {
  readonly family: Family;
  /** Path of config.json, for messages. */
  readonly file: string;
  /** All but the number of classes, which the head decides. */
  readonly model: Omit<ModelConfig, 'classes'>;
  /** Rows of the segment table in the file; 0: there is none. */
  readonly segments: number;
  /** Such as "BertForSequenceClassification"; empty when the file does not say. */
  readonly architectures: readonly string[];
  /** Such as "multi_label_classification"; null when the file does not say. */
  readonly problem: string | null;
  /** What each output means, in the file's own order; null when the file does not say. */
  readonly labels: readonly string[] | null;
  readonly notes: readonly string[];
}

const whole = z.number().int();
const common = z.object({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z.string().nullish(),
  vocab_size: whole,
  max_position_embeddings: whole.default(512),
});
/** Defaults are those of transformers; sizes have none here, because a file that leaves them out tells nothing. */
const bertSchema = common.extend({
  hidden_size: whole,
  num_hidden_layers: whole,
  num_attention_heads: whole,
  intermediate_size: whole,
  hidden_act: z.string().default('gelu'),
  hidden_dropout_prob: z.number().min(0).max(0.99).default(0.1),
  attention_probs_dropout_prob: z.number().min(0).max(0.99).default(0.1),
  layer_norm_eps: z.number().positive().max(1).default(1e-12),
  type_vocab_size: whole.min(1).default(2),
  position_embedding_type: z.string().nullish(),
  is_decoder: z.boolean().nullish(),
});
const distilbertSchema = common.extend({
  dim: whole,
  n_layers: whole,
  n_heads: whole,
  hidden_dim: whole,
  activation: z.string().default('gelu'),
  dropout: z.number().min(0).max(0.99).default(0.1),
  attention_dropout: z.number().min(0).max(0.99).default(0.1),
});

/** What transformers calls the activations that the network has. */
const ACTIVATIONS: ReadonlyMap<string, ModelConfig['activation']> = new Map([
  ['relu', 'relu'],
  ['gelu', 'gelu'],
  ['gelu_python', 'gelu'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_fast', 'gelu_tanh'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
]);
const SUPPORTED = 'BERT (base, large, small, mini, tiny), MiniLM and DistilBERT can be imported.';
const UNNAMED = 'config.json does not name its family; it was told from what else it says.';

/** @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for another family, or a network that cannot be. */
export function readHuggingFaceConfig(folder: string): HuggingFaceConfig {
  const file = join(folder, 'config.json');
  const json = readJsonFile(file);
  const { family, notes } = familyOf(json, file);
  const config = family === 'bert' ? bertConfig(json, file) : distilbertConfig(json, file);
  // Classes are checked with the head; 1 stands for them here.
  requireConfig({ ...config.model, classes: 1 }, file);
  return { ...config, notes: [...notes, ...config.notes] };
}

function familyOf(json: unknown, file: string): { family: Family; notes: readonly string[] } {
  const { model_type: type, architectures } = parse(
    z.object({ model_type: z.string().nullish(), architectures: z.array(z.string()).nullish() }),
    json,
    file,
  );
  if (type === 'bert' || type === 'distilbert') return { family: type, notes: [] };
  if (type !== undefined && type !== null)
    throw unsupported(`a model of the family ${JSON.stringify(type.slice(0, 60))}`, file);
  // Some of the oldest folders, BERT tiny among them, do not say.
  const [architecture] = architectures ?? [];
  if (architecture?.startsWith('DistilBert')) return { family: 'distilbert', notes: [UNNAMED] };
  if (architecture !== undefined && !architecture.startsWith('Bert'))
    throw unsupported(`a ${JSON.stringify(architecture.slice(0, 60))}`, file);
  return { family: 'bert', notes: [UNNAMED] };
}

type Described = HuggingFaceConfig;

function bertConfig(json: unknown, file: string): Described {
  const config = parse(bertSchema, json, file);
  const positions = config.position_embedding_type ?? 'absolute';
  if (positions !== 'absolute')
    throw unsupported(`a BERT with positions of the kind ${JSON.stringify(positions)}`, file);
  if (config.is_decoder === true) throw unsupported('a BERT that is a decoder', file);
  const { hidden_dropout_prob: dropout, attention_probs_dropout_prob: attentionDropout } = config;
  return {
    family: 'bert',
    file,
    model: {
      ...BERT_HEAD,
      vocabularySize: config.vocab_size,
      layers: config.num_hidden_layers,
      hidden: config.hidden_size,
      heads: config.num_attention_heads,
      feedForward: config.intermediate_size,
      maxPositions: config.max_position_embeddings,
      activation: activationOf(config.hidden_act, file),
      layerNormEps: config.layer_norm_eps,
      dropout,
    },
    segments: config.type_vocab_size,
    architectures: config.architectures ?? [],
    problem: config.problem_type ?? null,
    labels: labelsOf(config.id2label, file),
    notes: aboutDropout(dropout, attentionDropout),
  };
}

function distilbertConfig(json: unknown, file: string): Described {
  const config = parse(distilbertSchema, json, file);
  return {
    family: 'distilbert',
    file,
    model: {
      ...DISTILBERT_HEAD,
      vocabularySize: config.vocab_size,
      layers: config.n_layers,
      hidden: config.dim,
      heads: config.n_heads,
      feedForward: config.hidden_dim,
      maxPositions: config.max_position_embeddings,
      activation: activationOf(config.activation, file),
      layerNormEps: 1e-12,
      dropout: config.dropout,
    },
    segments: 0,
    architectures: config.architectures ?? [],
    problem: config.problem_type ?? null,
    labels: labelsOf(config.id2label, file),
    notes: aboutDropout(config.dropout, config.attention_dropout),
  };
}

const HUGGING_FACE = { variant: 'huggingface', embeddingNorm: true, headDropout: true } as const;
const BERT_HEAD = { ...HUGGING_FACE, segments: 2, headActivation: 'tanh' } as const;
const DISTILBERT_HEAD = { ...HUGGING_FACE, segments: 0, headActivation: 'relu' } as const;

function aboutDropout(dropout: number, ofAttention: number): string[] {
  if (dropout === ofAttention) return [];
  return [
    `It was trained with dropout ${dropout}, and ${ofAttention} in attention; one rate is used for both.`,
  ];
}

function activationOf(name: string, file: string): ModelConfig['activation'] {
  const known = ACTIVATIONS.get(name);
  if (known !== undefined) return known;
  throw unsupported(`a network with the activation ${JSON.stringify(name.slice(0, 60))}`, file);
}

/** id2label's keys are the numbers from 0, as text. */
function labelsOf(
  id2label: Readonly<Record<string, string>> | null | undefined,
  file: string,
): string[] | null {
  if (id2label === null || id2label === undefined) return null;
  const byNumber = new Map(Object.entries(id2label));
  return Array.from(byNumber.keys(), (_, number) => {
    const label = byNumber.get(String(number));
    if (label !== undefined) return label;
    throw new StudioError('BAD_FILE', `${file} does not say what label ${number} means.`, {
      nextStep: 'Its id2label must name the labels from 0 on, without gaps.',
      place: { file },
    });
  });
}

function parse<Output>(schema: z.ZodType<Output>, json: unknown, file: string): Output {
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  const where =
    issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.').slice(0, 80)}`;
  throw new StudioError(
    'BAD_FILE',
    `${file} is not the configuration of a BERT${where}: ${issue?.message}.`,
    {
      nextStep: SUPPORTED,
      place: { file },
    },
  );
}

function unsupported(what: string, file: string): StudioError {
  return new StudioError('BAD_FILE', `${file} describes ${what}, which there is no code for.`, {
    nextStep: SUPPORTED,
    place: { file },
  });
}
