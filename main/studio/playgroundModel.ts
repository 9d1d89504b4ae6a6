/** @file Runs under Node. One model of the playground: loads in a child, answers question after question, goes when it is not used. */
import { errorData, StudioError } from '../../shared/errors.ts';
import type { EngineWish, InferenceService, InspectablePredictor } from './inference.ts';
import { NewestQuestion } from './newestQuestion.ts';

export interface ModelOptions {
  readonly inference: InferenceService;
  readonly run: string;
  /** Which of the run's weights: another one is another model. */
  readonly checkpoint: string;
  readonly wish: EngineWish;
  readonly idleMs: number;
  /** Nobody has asked for so long. */
  readonly onIdle: () => void;
}

export class PlaygroundModel {
  readonly run: string;
  readonly #options: ModelOptions;
  readonly #questions = new NewestQuestion();
  readonly #abort = new AbortController();
  readonly #idle: NodeJS.Timeout;
  readonly #loading: Promise<InspectablePredictor>;
  #loaded: InspectablePredictor | null = null;
  #failed = false;

  constructor(options: ModelOptions) {
    const { inference, run, wish, idleMs, onIdle } = options;
    this.run = run;
    this.#options = options;
    this.#idle = setTimeout(onIdle, idleMs).unref();
    this.#loading = inference.openPredictor(run, wish, this.#abort.signal);
    this.#loading.then(
      (predictor) => {
        this.#loaded = predictor;
      },
      () => {
        this.#failed = true;
      },
    );
  }

  /** False when it is gone, has other weights, or runs as nobody wishes any more. */
  serves(checkpoint: string, wish: EngineWish): boolean {
    const { checkpoint: ours, wish: asked } = this.#options;
    if (this.#failed || this.#loaded?.hasEnded() === true) return false;
    // Only this engine computes with several threads; the others need not be loaded again for their number.
    const minds = this.#loaded === null || this.#loaded.engine === 'tensorflow';
    return ours === checkpoint && asked.engine === wish.engine && (!minds || asked.threads === wish.threads);
  }

  /**
   * Answers once the model is loaded, one question after another.
   * @throws StudioError why it cannot be loaded; CANCELLED when a newer question of the kind overtakes this one;
   * WORKER_CRASHED when the child ends meanwhile; SHUTTING_DOWN.
   */
  async ask<Answer>(
    kind: string,
    question: (model: InspectablePredictor) => Promise<Answer>,
  ): Promise<Answer> {
    this.#idle.refresh();
    try {
      return await this.#questions.ask(kind, async () => await question(await this.#loading));
    } catch (thrown) {
      if (this.#abort.signal.aborted) throw new StudioError('SHUTTING_DOWN', 'The studio is closing.');
      // What is wrong with the model's file stays so when it is loaded anew.
      const isFiles = thrown instanceof StudioError && thrown.code === 'BAD_FILE';
      throw this.#loaded?.hasEnded() === true && !isFiles ? this.#crash(thrown) : thrown;
    }
  }

  /** Lets what is asked be answered, then ends the child. */
  async retire(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#questions.settled();
    await this.close();
  }

  /** At once; what is asked fails. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    this.#abort.abort();
    await this.#loading.then(
      (predictor) => predictor.close(),
      () => {},
    );
  }

  /** The child speaks of a run that trains; here there is nothing to lose. */
  #crash(thrown: unknown): StudioError {
    const { code, message } = errorData(thrown);
    return new StudioError(code, message.replace('The worker', `The process of model ${this.run}`), {
      nextStep: 'Ask again: it is loaded anew.',
      cause: thrown,
    });
  }
}
