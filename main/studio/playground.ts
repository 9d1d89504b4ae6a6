/** @file Runs under Node. Pairs that a person types, answered by one or two models as they are typed, also while a run trains. */
import type { Answer, AttentionMap } from '../../shared/contract/models.ts';
import { StudioError } from '../../shared/errors.ts';
import { runsInWork } from '../db/runsInWork.ts';
import { type AnsweringModel, findAnsweringModel } from './answeringModels.ts';
import type { Databases } from './databases.ts';
import type { EngineWish, InferenceService, RawPair } from './inference.ts';
import { PlaygroundModel } from './playgroundModel.ts';

export interface PlaygroundSetting {
  readonly databases: Databases;
  readonly inference: InferenceService;
  /** Engine and threads while nothing trains. */
  readonly wish: () => EngineWish;
  /** A model that nobody asks for so long is given up. */
  readonly idleMs?: number;
}

export interface PlaygroundQuestion extends RawPair {
  /** A run's id, or an imported model's name. */
  readonly run: string;
}

/** Two can be compared; a third would take their memory. */
const MOST_MODELS = 2;
const IDLE_MS = 5 * 60_000;

export class PlaygroundService {
  readonly #setting: PlaygroundSetting;
  /** By run, the least recently asked first. */
  readonly #models = new Map<string, PlaygroundModel>();
  readonly #leaving = new Set<Promise<void>>();
  #closed = false;

  constructor(setting: PlaygroundSetting) {
    this.#setting = setting;
  }

  /** @throws StudioError NOT_FOUND, USAGE for a pair that the model cannot read, and as `PlaygroundModel.ask`. */
  async answer(question: PlaygroundQuestion): Promise<Answer> {
    const asked = this.#modelFor(question);
    const { labels } = asked;
    const { layers, heads } = asked.config.model;
    return await this.#modelOf(asked).ask('answer', async (model) => {
      const startMs = performance.now();
      const { tokens, words, segments, probabilities } = await model.inspect(question);
      const milliseconds = performance.now() - startMs;
      return {
        ...{ run: asked.id, labels, probabilities: [...probabilities] },
        ...{ tokens, words, segments, layers, heads, milliseconds },
      };
    });
  }

  /** @throws StudioError USAGE for a head that the model does not have, and as `answer`. */
  async attention(
    question: PlaygroundQuestion & { readonly layer: number; readonly head: number },
  ): Promise<AttentionMap> {
    const asked = this.#modelFor(question);
    const { layer, head } = question;
    const { layers, heads } = asked.config.model;
    if (layer >= layers || head >= heads)
      throw new StudioError(
        'USAGE',
        `Model ${asked.id} has ${layers} layers of ${heads} heads; there is no head ${head + 1} in layer ${layer + 1}.`,
        { nextStep: 'Choose another layer or head.' },
      );
    return await this.#modelOf(asked).ask('attention', async (model) => {
      const { tokens, weights } = await model.attend(question, { layer, head });
      const row = (query: number) => [
        ...weights.subarray(query * tokens.length, (query + 1) * tokens.length),
      ];
      return { tokens, weights: tokens.map((_, query) => row(query)) };
    });
  }

  /** Ends every child; what is asked fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const models = [...this.#models.values()];
    this.#models.clear();
    await Promise.all([...models.map((model) => model.close()), ...this.#leaving]);
  }

  #modelFor({ run: reference, premise, hypothesis }: PlaygroundQuestion): AnsweringModel {
    const model = findAnsweringModel(this.#setting.databases, reference);
    const pairs = model.sentences === 2;
    if (pairs !== (hypothesis !== null))
      throw new StudioError(
        'USAGE',
        pairs ? `Model ${model.id} compares two sentences.` : `Model ${model.id} reads a single sentence.`,
        { nextStep: pairs ? 'Write a hypothesis too.' : 'Leave the hypothesis out.' },
      );
    if (premise.trim() === '' || hypothesis?.trim() === '')
      throw new StudioError('USAGE', 'There is nothing to read in an empty sentence.', {
        nextStep: pairs ? 'Write both sentences.' : 'Write a sentence.',
      });
    return model;
  }

  /** Kept, or loaded now in place of the one that was not asked for longest. */
  #modelOf({ id, version }: AnsweringModel): PlaygroundModel {
    if (this.#closed) throw new StudioError('SHUTTING_DOWN', 'The studio is closing.');
    const wish = this.#wishNow();
    const known = this.#models.get(id);
    if (known?.serves(version, wish) === true) {
      this.#models.delete(id);
      this.#models.set(id, known);
      return known;
    }
    if (known !== undefined) this.#giveUp(known);
    const model: PlaygroundModel = new PlaygroundModel({
      ...{ inference: this.#setting.inference, run: id, checkpoint: version, wish },
      idleMs: this.#setting.idleMs ?? IDLE_MS,
      onIdle: () => this.#giveUp(model),
    });
    this.#models.set(id, model);
    for (const oldest of this.#models.values()) {
      if (this.#models.size <= MOST_MODELS) break;
      this.#giveUp(oldest);
    }
    return model;
  }

  #giveUp(model: PlaygroundModel): void {
    if (this.#models.get(model.run) === model) this.#models.delete(model.run);
    const leaving = model.retire();
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
  }

  /** A run that trains here or in another process needs the processors. */
  #wishNow(): EngineWish {
    const { databases, wish } = this.#setting;
    const trains = runsInWork(databases.store()).some(({ state }) => state !== 'paused');
    return trains ? { ...wish(), threads: 1 } : wish();
  }
}
