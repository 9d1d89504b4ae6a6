/** @file Runs in the training worker. Memory that does not suffice: what to try is said with its number. */
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { TrainingJob } from './jobs.ts';

/** As TensorFlow, V8 and the crate say it (native/src/pool.rs); other engines of our own say OUT_OF_MEMORY. */
const FOREIGN_WORDS =
  /OOM when allocating|RESOURCE_EXHAUSTED|CUDA_ERROR_OUT_OF_MEMORY|Array buffer allocation failed|the system has no memory for/;

/** As the hyperparameter has it. */
const FEWEST_TOKENS = 64;

export interface Computed {
  /** At once: less than the configuration allows where its batches hold less. */
  readonly microBatchTokens: number;
  /** How a person takes so many instead. */
  readonly how: (microBatchTokens: number) => string;
}

/** TensorFlow draws the masks of dropout by the place in a micro-batch. */
const gradientOn = (engine: EngineName) =>
  engine === 'tensorflow' ? 'the same gradient but for other masks of dropout' : 'the same gradient';

/** Of a run, which goes on from its last checkpoint. */
export const resumeWith =
  ({ runId, engine }: Pick<TrainingJob, 'runId' | 'engine'>): Computed['how'] =>
  (tokens) =>
    `Go on with half of it at once, which has ${gradientOn(engine)}: npx --no entail runs resume ${runId} --micro-batch-tokens ${tokens}`;

/** Of a configuration that was only tried. */
export const configureWith =
  ({ engine }: Pick<TrainingJob, 'engine'>): Computed['how'] =>
  (tokens) =>
    `Allow half of it at once, which has ${gradientOn(engine)}: ${tokens} micro-batch tokens (--micro-batch-tokens ${tokens}).`;

/** The error with half the micro-batch as its next step, if it tells of memory; else what was thrown. */
export function withSmallerMicroBatch(thrown: unknown, { microBatchTokens, how }: Computed): unknown {
  const message = memoryMessage(thrown);
  if (message === null) return thrown;
  const half = Math.floor(microBatchTokens / 2);
  if (half < FEWEST_TOKENS) {
    const nextStep = 'Take a smaller network or shorter texts (--max-len): a micro-batch cannot be smaller.';
    return new StudioError('OUT_OF_MEMORY', message, { nextStep, cause: thrown });
  }
  return new StudioError('OUT_OF_MEMORY', message, {
    nextStep: how(half),
    offer: { microBatchTokens: half },
    cause: thrown,
  });
}

/** Of finished weights, which whoever uses them cannot give fewer tokens at once. */
export function withoutMicroBatch(thrown: unknown): unknown {
  const message = memoryMessage(thrown);
  if (message === null) return thrown;
  const nextStep =
    'Take another engine with --engine, such as native, or close what else uses the memory (npx --no entail devices shows who uses a GPU).';
  return new StudioError('OUT_OF_MEMORY', message, { nextStep, cause: thrown });
}

function memoryMessage(thrown: unknown): string | null {
  if (thrown instanceof StudioError) return thrown.code === 'OUT_OF_MEMORY' ? thrown.message : null;
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  if (!FOREIGN_WORDS.test(words)) return null;
  const sentence = words.split('\n')[0]!.replace(/\.$/, '');
  const readable = sentence.replace(/\d{7,}(?= bytes)/, (bytes) => Number(bytes).toLocaleString('en'));
  return `The memory does not suffice: ${readable}.`;
}
