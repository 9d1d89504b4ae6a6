/**
 * @file Runs anywhere. Every hyperparameter of a training run, once: its range, default, unit, help and the book's
 * value. The command line makes its flags from this table, the window its form, and a run's record is parsed with it.
 */
import { z } from 'zod';

/** What a person is told about one field. `book` is the value of the book's program, where it has one. */
export interface FieldGuide {
  readonly group: 'data' | 'model' | 'optimisation' | 'regularisation' | 'evaluation' | 'machine';
  readonly help: string;
  readonly unit?: string;
  readonly book?: string;
  /** The range in words, for a help text and for the message when a value is outside it. */
  readonly range: string;
}

const guides = new Map<string, FieldGuide>();

/** Attaches a guide to a schema under the field's name; the table below reads as one list. */
function field<Schema extends z.ZodType>(name: string, schema: Schema, guide: FieldGuide): Schema {
  guides.set(name, guide);
  return schema;
}

const count = (low: number, high: number) => z.number().int().min(low).max(high);
const real = (low: number, high: number) => z.number().min(low).max(high);
const oneOf = <const Words extends readonly [string, ...string[]]>(...words: Words) => z.enum(words);

export const SIZE_NAMES = ['tiny', 'bert.small', 'bert.base', 'free'] as const;

export const hyperparametersSchema = z.strictObject({
  size: field('size', oneOf(...SIZE_NAMES).default('bert.small'), {
    group: 'model',
    help: 'Size of the network; "free" takes layers, hidden, heads and feedForward as given.',
    range: SIZE_NAMES.join(', '),
    book: 'bert.small',
  }),
  layers: field('layers', count(1, 48).default(2), {
    group: 'model',
    help: 'Encoder blocks, with size "free".',
    range: '1 to 48',
    book: '2',
  }),
  hidden: field('hidden', count(4, 4096).default(256), {
    group: 'model',
    help: 'Width of the encoder, with size "free"; a multiple of heads.',
    range: '4 to 4096',
    book: '256',
  }),
  heads: field('heads', count(1, 64).default(4), {
    group: 'model',
    help: 'Attention heads, with size "free".',
    range: '1 to 64',
    book: '4',
  }),
  feedForward: field('feedForward', count(4, 16384).default(512), {
    group: 'model',
    help: 'Width inside the feed-forward network, with size "free".',
    range: '4 to 16384',
    book: '512',
  }),
  maxLen: field('maxLen', count(8, 512).default(128), {
    group: 'data',
    help: 'Longest pair, special tokens included; longer ones are truncated.',
    unit: 'tokens',
    range: '8 to 512',
    book: '128',
  }),
  truncation: field('truncation', oneOf('longer-first', 'length-ratio').default('longer-first'), {
    group: 'data',
    help: 'Which sentence gives up tokens: the longer one, as the book, or both by their length ratio, as its exercise.',
    range: 'longer-first, length-ratio',
    book: 'longer-first',
  }),
  minFreq: field('minFreq', count(1, 1000).default(2), {
    group: 'data',
    help: 'A word of the training split enters the vocabulary when it is seen this often.',
    unit: 'occurrences',
    range: '1 to 1000',
    book: '5',
  }),
  seed: field('seed', count(0, 2 ** 32 - 1).default(0), {
    group: 'machine',
    help: 'Decides initial weights, order of examples and dropout.',
    range: '0 to 4294967295',
  }),
  epochs: field('epochs', count(1, 1000).default(5), {
    group: 'optimisation',
    help: 'Times the training split is gone through.',
    range: '1 to 1000',
    book: '5',
  }),
  batchSize: field('batchSize', count(1, 65536).default(512), {
    group: 'optimisation',
    help: 'Pairs in one optimizer step.',
    unit: 'pairs',
    range: '1 to 65536',
    book: '512',
  }),
  microBatchTokens: field('microBatchTokens', z.union([z.literal(0), count(64, 1048576)]).default(0), {
    group: 'machine',
    help: 'Tokens computed at once; the gradient is summed over micro-batches, so this changes memory and speed only. 0 takes what about 1 GiB of activations holds.',
    unit: 'tokens',
    range: '0, or 64 to 1048576',
  }),
  precision: field('precision', oneOf('fp32', 'bf16', 'fp16').default('fp32'), {
    group: 'machine',
    help: 'Of the matrix products of layers: bf16 (engine native, processors with AVX512-BF16) and fp16 (engine webgpu, GPUs with shader-f16) round their factors to 16 bits and sum in single precision; weights stay in single precision. With fp16 activations and their gradients are kept in 16 bits, too.',
    range: 'fp32, bf16, fp16',
  }),
  nice: field('nice', z.boolean().default(false), {
    group: 'machine',
    help: 'Train at low priority, so that other programs go first.',
    range: 'true, false',
  }),
  lr: field('lr', z.number().positive().max(10).default(1e-4), {
    group: 'optimisation',
    help: 'Learning rate (peak, when a schedule is used).',
    range: 'above 0, up to 10',
    book: '1e-4',
  }),
  optimizer: field('optimizer', oneOf('adam', 'adamw').default('adam'), {
    group: 'optimisation',
    help: 'Adam as the book uses it, or AdamW with decoupled weight decay.',
    range: 'adam, adamw',
    book: 'adam',
  }),
  weightDecay: field('weightDecay', real(0, 1).default(0), {
    group: 'regularisation',
    help: 'Decay per step, times the learning rate (adamw); never on biases and LayerNorm.',
    range: '0 to 1',
    book: '0',
  }),
  schedule: field('schedule', oneOf('constant', 'linear', 'cosine').default('constant'), {
    group: 'optimisation',
    help: 'How the learning rate goes on after warm-up: it stays, or falls to 0.',
    range: 'constant, linear, cosine',
    book: 'constant',
  }),
  warmup: field('warmup', real(0, 0.9).default(0), {
    group: 'optimisation',
    help: 'Share of all steps in which the learning rate rises from 0.',
    unit: 'share of steps',
    range: '0 to 0.9',
    book: '0',
  }),
  clipNorm: field('clipNorm', real(0, 1e6).default(0), {
    group: 'optimisation',
    help: 'Largest norm of the gradient of the mean loss; 0 switches clipping off.',
    range: '0 to 1e6',
    book: '0',
  }),
  layerDecay: field('layerDecay', z.number().positive().max(1).default(1), {
    group: 'optimisation',
    help: 'Each layer below the top learns this much slower than the one above it; 1 is off.',
    range: 'above 0, up to 1',
    book: '1',
  }),
  loss: field('loss', oneOf('sum', 'mean').default('sum'), {
    group: 'optimisation',
    help: 'Gradient of the summed loss, as the book, or of the mean.',
    range: 'sum, mean',
    book: 'sum',
  }),
  labelSmoothing: field('labelSmoothing', z.number().min(0).lt(1).default(0), {
    group: 'regularisation',
    help: 'Share of the target spread evenly over all classes.',
    range: '0 to below 1',
    book: '0',
  }),
  classWeights: field(
    'classWeights',
    z
      .union([oneOf('none', 'balanced'), z.array(z.number().positive().max(1000)).min(2).max(100)])
      .default('none'),
    {
      group: 'regularisation',
      help: 'Weight of each class in the loss: none, balanced (inverse frequency), or one number a class.',
      range: 'none, balanced, or numbers above 0 separated by commas',
      book: 'none',
    },
  ),
  dropout: field('dropout', z.number().min(0).lt(1).default(0.2), {
    group: 'regularisation',
    help: "Share of values dropped in attention and after both sub-layers. The book's loader uses 0.2 whatever its caller says.",
    range: '0 to below 1',
    book: '0.2',
  }),
  freezeEncoder: field('freezeEncoder', z.boolean().default(false), {
    group: 'optimisation',
    help: 'Train only the hidden and the output layer.',
    range: 'true, false',
    book: 'false',
  }),
  embeddingScale: field('embeddingScale', z.number().positive().max(10).default(1), {
    group: 'model',
    help: 'Random embeddings are multiplied by this: those of the book begin as N(0, 1), which the few steps of a short pretraining hardly move.',
    range: 'above 0, up to 10',
    book: '1',
  }),
  evaluateEvery: field('evaluateEvery', count(0, 1000000).default(0), {
    group: 'evaluation',
    help: 'Evaluate on dev every so many steps too; 0 means after each epoch only.',
    unit: 'steps',
    range: '0 to 1000000',
    book: '0',
  }),
  earlyStopping: field('earlyStopping', count(0, 1000).default(0), {
    group: 'evaluation',
    help: 'Stop after so many evaluations without a better dev accuracy; 0 is off.',
    unit: 'evaluations',
    range: '0 to 1000',
    book: '0',
  }),
  keep: field('keep', oneOf('last', 'best').default('last'), {
    group: 'evaluation',
    help: 'Which weights the run ends with: the last, as the book, or the best on dev.',
    range: 'last, best',
    book: 'last',
  }),
  checkpointEvery: field('checkpointEvery', count(0, 1000000).default(0), {
    group: 'machine',
    help: 'Write a checkpoint every so many steps too; 0 means after each epoch only.',
    unit: 'steps',
    range: '0 to 1000000',
  }),
  workers: field('workers', count(1, 64).default(4), {
    group: 'machine',
    help: 'Threads that encode text.',
    unit: 'threads',
    range: '1 to 64',
    book: '4',
  }),
});

/** One run's complete, immutable settings; `engine` is kept beside them, in the run's record. */
export type Hyperparameters = z.infer<typeof hyperparametersSchema>;
export type HyperparameterName = keyof Hyperparameters;

export interface HyperparameterField extends FieldGuide {
  readonly name: HyperparameterName;
  readonly default: Hyperparameters[HyperparameterName];
}

/** Settings as they were stored; those that were not there yet had no other value than their default. */
export function completeHyperparameters(stored: Partial<Hyperparameters>): Hyperparameters {
  return { ...defaults, ...stored };
}

const defaults = hyperparametersSchema.parse({});

/** The whole table in reading order. */
export const HYPERPARAMETERS: readonly HyperparameterField[] = (
  Object.keys(hyperparametersSchema.shape) as HyperparameterName[]
).map((name) => ({ name, default: defaults[name], ...guides.get(name)! }));
