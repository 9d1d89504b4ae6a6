/** @file Runs in the supervisor's process. Finished weights at work in a child: evaluating a split, predicting pairs. */
import { errorFromData, StudioError } from '../../shared/errors.ts';
import type { GroupedAccuracy } from '../../shared/kindAccuracy.ts';
import type { EvaluationRecord, PredictionBlock } from '../../shared/runs.ts';
import type {
  EvaluationJob,
  HeadAttention,
  HeadPlace,
  InferenceAnswer,
  InferenceOrder,
  Inspection,
  JobPlace,
  PredictionJob,
  RawPair,
} from './jobs.ts';
import { longestFirstStepMs } from './patience.ts';
import { SupervisedChild } from './supervisedChild.ts';

export type {
  AnswerConfig,
  AnswerWeights,
  EvaluationJob,
  HeadAttention,
  HeadPlace,
  Inspection,
  PredictionJob,
  RawPair,
} from './jobs.ts';

export interface InferenceOptions<Job> {
  /** Path of the entry "inference". */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly job: Job;
  /** Told what a person should know of what it is computed on, before anything is answered. */
  readonly onNotice: (text: string) => void;
}

/** A model that is loaded and answers, one request after another. */
export interface SupervisedInference {
  /** -> probabilities, row-major [pairs, classes]. Requests are answered in their order. */
  predict(pairs: readonly RawPair[]): Promise<Float32Array>;
  inspect(pair: RawPair): Promise<Inspection>;
  /** `place` must be one of the model's. */
  attend(pair: RawPair, place: HeadPlace): Promise<HeadAttention>;
  /** True once the child is gone, for whatever reason. */
  hasEnded(): boolean;
  /** Ends the child at once; what is asked of it fails. */
  kill(): void;
  close(): Promise<void>;
}

/** One child whose answers come in the order of the orders. */
class InferenceChild {
  readonly #child: SupervisedChild<InferenceOrder, InferenceAnswer>;
  readonly #waiting: PromiseWithResolvers<InferenceAnswer>[] = [];
  readonly #ended = Promise.withResolvers<void>();
  readonly #onNotice: (text: string) => void;
  readonly #onProgress: (fraction: number) => void;
  #end: StudioError | null = null;

  constructor(
    { entry, environment, job, onNotice }: InferenceOptions<JobPlace>,
    onProgress: (fraction: number) => void = () => {},
  ) {
    this.#onNotice = onNotice;
    this.#onProgress = onProgress;
    this.#child = new SupervisedChild<InferenceOrder, InferenceAnswer>({
      entry,
      environment,
      nextStep: 'Ask again: nothing is lost.',
      limits: { firstHangMs: longestFirstStepMs(job.devices) },
      onMessage: (answer) => this.#take(answer),
      onEnd: (error) => this.#fail(error),
    });
  }

  get ended(): boolean {
    return this.#end !== null;
  }

  /** @throws what the child says is wrong, or why it is gone. */
  async ask(order: InferenceOrder): Promise<InferenceAnswer> {
    if (this.#end !== null) throw this.#end;
    const answered = Promise.withResolvers<InferenceAnswer>();
    this.#waiting.push(answered);
    this.#child.send(order);
    return await answered.promise;
  }

  kill(): void {
    this.#child.kill();
  }

  async close(): Promise<void> {
    this.#child.kill();
    await this.#ended.promise;
  }

  #take(answer: InferenceAnswer): void {
    if (answer.kind === 'progress') this.#onProgress(answer.fraction);
    else if (answer.kind === 'notice') this.#onNotice(answer.text);
    else if (answer.kind === 'failed') this.#waiting.shift()?.reject(errorFromData(answer.error));
    else if (answer.kind !== 'ready') this.#waiting.shift()?.resolve(answer);
  }

  #fail(error: StudioError): void {
    this.#end = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#ended.resolve();
  }
}

export interface Evaluation {
  readonly evaluation: EvaluationRecord;
  readonly groups: readonly GroupedAccuracy[];
  readonly predictions: PredictionBlock;
}

/** Evaluates a split with a run's weights. @throws StudioError CANCELLED when the signal says so. */
export async function superviseEvaluation(
  options: InferenceOptions<EvaluationJob> & {
    readonly signal?: AbortSignal;
    readonly onProgress?: (fraction: number) => void;
  },
): Promise<Evaluation> {
  const { signal } = options;
  const cancelled = () => signal?.aborted === true;
  if (cancelled()) throw new StudioError('CANCELLED', 'The evaluation was cancelled.');
  const child = new InferenceChild(options, options.onProgress);
  const cancel = () => child.kill();
  signal?.addEventListener('abort', cancel);
  try {
    const answer = await child.ask({ kind: 'evaluate', job: options.job });
    if (answer.kind !== 'evaluated') throw unexpected(answer);
    return answer;
  } catch (thrown) {
    if (cancelled()) throw new StudioError('CANCELLED', 'The evaluation was cancelled.');
    throw thrown;
  } finally {
    signal?.removeEventListener('abort', cancel);
    await child.close();
  }
}

/** Loads a run's weights in a child; the signal ends it while it loads. @throws StudioError when they cannot be loaded. */
export async function superviseInference(
  options: InferenceOptions<PredictionJob> & { readonly signal?: AbortSignal },
): Promise<SupervisedInference> {
  const { job, signal } = options;
  const child = new InferenceChild(options);
  const cancel = () => child.kill();
  signal?.addEventListener('abort', cancel);
  try {
    if (signal?.aborted === true) cancel();
    const answer = await child.ask({ kind: 'open', job });
    if (answer.kind !== 'opened') throw unexpected(answer);
  } catch (thrown) {
    await child.close();
    throw thrown;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
  return inferenceOver(child);
}

function inferenceOver(child: InferenceChild): SupervisedInference {
  return {
    predict: async (pairs) => {
      const answer = await child.ask({ kind: 'predict', pairs });
      if (answer.kind !== 'predicted') throw unexpected(answer);
      return answer.probabilities;
    },
    inspect: async (pair) => {
      const answer = await child.ask({ kind: 'inspect', pair });
      if (answer.kind !== 'inspected') throw unexpected(answer);
      return answer.inspection;
    },
    attend: async (pair, place) => {
      const answer = await child.ask({ kind: 'attend', pair, place });
      if (answer.kind !== 'attended') throw unexpected(answer);
      return answer.attention;
    },
    hasEnded: () => child.ended,
    kill: () => child.kill(),
    close: () => child.close(),
  };
}

const unexpected = ({ kind }: InferenceAnswer) =>
  new StudioError('INTERNAL', `The child answered "${kind}" out of turn.`);
