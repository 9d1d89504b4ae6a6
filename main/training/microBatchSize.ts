/** @file Runs anywhere. How many tokens are computed at once when nobody says: what a gigabyte of activations holds. */
import type { EngineName } from '../../shared/engines.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';

const ACTIVATION_BYTES = 2 ** 30;
const LEAST_TOKENS = 1024;
/**
 * A batch of the book's size has about 13,000 tokens: more than this would hold more than one. On `native` and `webgpu` a
 * larger batch is one piece too: their kernels are parallel inside, and distinct rows are the fewer the more are looked at.
 */
const MOST_TOKENS = 16384;
const IN_ONE_PIECE: readonly EngineName[] = ['native', 'webgpu'];

/** A forward pass keeps one layer at a time, so more fits; beyond this nothing is gained. */
const MOST_EVALUATED_TOKENS = 8192;
const EVALUATED_FACTOR = 4;

/**
 * The micro-batch of a run. One large one is fastest where it fits (every op starts fewer times); a block keeps about
 * ten rows of width H and two of width F a token for the backward pass. Decided by configuration alone, so a resumed
 * run has the same plan.
 */
export function microBatchTokensOf(
  { microBatchTokens }: Pick<Hyperparameters, 'microBatchTokens'>,
  model: ModelConfig,
  engine: EngineName,
): number {
  if (microBatchTokens > 0) return microBatchTokens;
  const bytesPerToken = 4 * model.layers * (10 * model.hidden + 2 * model.feedForward);
  const fitting = Math.floor(ACTIVATION_BYTES / bytesPerToken / 1024) * 1024;
  const most = IN_ONE_PIECE.includes(engine) ? Number.POSITIVE_INFINITY : MOST_TOKENS;
  return Math.min(most, Math.max(LEAST_TOKENS, fitting));
}

/** Tokens of a forward pass without gradients: more than are trained at once, unless somebody wished for few. */
export function evaluationTokensOf(
  hyperparameters: Pick<Hyperparameters, 'microBatchTokens'>,
  model: ModelConfig,
  engine: EngineName,
): number {
  const trained = Math.min(
    microBatchTokensOf(hyperparameters, model, engine),
    microBatchTokensOf({ microBatchTokens: 0 }, model, engine),
  );
  return Math.min(MOST_EVALUATED_TOKENS, EVALUATED_FACTOR * trained);
}

/** Of the largest micro-batch. */
export function mostTokens(microBatches: readonly { readonly rows: number }[]): number {
  return Math.max(0, ...microBatches.map(({ rows }) => rows));
}
