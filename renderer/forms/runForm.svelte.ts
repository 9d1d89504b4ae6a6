/** @file Runs in the page. The form of a new run: what stands in each field, what is wrong with it, and the runs it makes. */
import { z } from 'zod';
import type { RunRequest } from '../../shared/contract/inputs.ts';
import { type DevicesWish, ONE_DEVICE } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import {
  HYPERPARAMETERS,
  type HyperparameterField,
  type HyperparameterName,
  type Hyperparameters,
  hyperparametersSchema,
} from '../../shared/hyperparameters.ts';
import { PRETRAINING_FIELDS } from '../../shared/pretraining.ts';
import { RUN_KINDS, type RunKind } from '../../shared/runs.ts';
import {
  drawsOf,
  type FieldWish,
  gridOf,
  isSeveral,
  MOST_RUNS,
  parseWish,
  valueText,
} from '../../shared/sweep.ts';
import { HYPERPARAMETER_NAMES } from '../table/columnNames.ts';

/** A configuration as it is saved to and read from a file. Unknown keys are refused, missing ones get their defaults. */
export const configurationSchema = z.object({
  kind: z.enum(RUN_KINDS).optional(),
  dataset: z.string().max(200).optional(),
  hyperparameters: hyperparametersSchema.partial(),
  engine: z.string().nullable().optional(),
  vocabularyPath: z.string().max(4096).nullable().optional(),
});

const DRAWS = '10';
const DRAW_SEED = '0';

type Texts = Record<HyperparameterName, string>;

export function textsOf(hyperparameters: Hyperparameters): Texts {
  return Object.fromEntries(
    HYPERPARAMETERS.map(({ name }) => [name, valueText(hyperparameters[name])]),
  ) as Texts;
}

/** The choice of a form that makes none. */
export const ANY_DEVICE = 'any';

export class RunForm {
  /** What the runs will do; `begin` with its defaults when it changes. */
  kind: RunKind = $state('fine-tuning');
  texts: Texts = $state(textsOf(hyperparametersSchema.parse({})));
  dataset = $state('');
  /** Names of those that can be trained on; null until they are known. */
  datasets: readonly string[] | null = $state.raw(null);
  name = $state('');
  experiment = $state('');
  tags = $state('');
  engine: EngineName | 'best' = $state('best');
  threads = $state('');
  /** "any", "free", "all", or a device's name. */
  devices = $state(ANY_DEVICE);
  /** Id of a run to start from; "" starts from random weights. */
  startFrom = $state('');
  /** What cuts text into tokens, where the run starts from random weights. */
  vocabulary: 'training' | 'file' = $state('training');
  /** On the studio's machine; kept while another choice is tried. */
  vocabularyFile = $state('');
  /** What was cloned, to mark what differs; null for a new one. */
  original: Hyperparameters | null = $state.raw(null);
  originalName = $state('');
  sampling: 'grid' | 'random' = $state('grid');
  draws = $state(DRAWS);
  drawSeed = $state(DRAW_SEED);

  /** The settings that this kind of run has. */
  readonly fields: readonly HyperparameterField[] = $derived(
    this.kind === 'pretraining' ? PRETRAINING_FIELDS : HYPERPARAMETERS,
  );
  readonly wishes: ReadonlyMap<HyperparameterName, FieldWish> = $derived.by(
    () => new Map(HYPERPARAMETERS.map(({ name }) => [name, parseWish(name, this.texts[name])])),
  );
  readonly several: boolean = $derived.by(() => [...this.wishes.values()].some(isSeveral));
  readonly hasRange: boolean = $derived.by(() =>
    [...this.wishes.values()].some(({ kind }) => kind === 'range'),
  );
  /** Null when there would be more than the queue takes. */
  readonly settings: readonly Hyperparameters[] | null = $derived.by(() => {
    const base = hyperparametersSchema.parse({});
    if (this.several && this.sampling === 'random') {
      const count = Number(this.draws);
      if (!Number.isInteger(count) || count < 1) return [];
      return drawsOf(base, this.wishes, { count, seed: Number(this.drawSeed) || 0 });
    }
    return gridOf(base, this.wishes);
  });
  /** One sentence, or "" when the form can be sent. */
  readonly problem: string = $derived.by(() => {
    const what = this.kind === 'pretraining' ? 'text' : 'data set';
    if (this.dataset === '') return `Choose a ${what}.`;
    if (this.datasets?.includes(this.dataset) === false)
      return `There is no ${what} called ${this.dataset} to train on any more: choose another one.`;
    for (const { name } of HYPERPARAMETERS) {
      const wrong = this.errorOf(name);
      if (wrong !== '') return wrong;
    }
    if (this.settings === null) return `That would be more than ${MOST_RUNS} runs.`;
    if (this.settings.length === 0) {
      return this.sampling === 'random'
        ? 'Say how many draws.'
        : 'A range needs a number of values: 1e-5..1e-3 / 4, or random draws.';
    }
    if (this.startFrom === '' && this.vocabulary === 'file' && this.vocabularyFile.trim() === '')
      return 'Choose a vocabulary file.';
    if (this.threads.trim() !== '' && !/^[1-9]\d{0,3}$/.test(this.threads.trim()))
      return 'Threads are a whole number, or nothing.';
    return '';
  });

  /** As a form that was just opened, but for its data set: what another run was to be called, or drawn by, is not this one's. */
  begin(hyperparameters: Hyperparameters): void {
    this.fill(hyperparameters);
    this.original = null;
    this.originalName = '';
    this.name = '';
    this.experiment = '';
    this.tags = '';
    this.startFrom = '';
    this.takeVocabulary(null);
    this.sampling = 'grid';
    this.draws = DRAWS;
    this.drawSeed = DRAW_SEED;
  }

  /** Replaces all settings, and what they are compared with. */
  fill(hyperparameters: Hyperparameters): void {
    this.texts = textsOf(hyperparameters);
  }

  /** Of another configuration; null for the words of the training split. */
  takeVocabulary(path: string | null): void {
    this.vocabulary = path === null ? 'training' : 'file';
    this.vocabularyFile = path ?? '';
  }

  /** Null too where a model that is started from has one. */
  get vocabularyPath(): string | null {
    return this.startFrom === '' && this.vocabulary === 'file' ? this.vocabularyFile.trim() : null;
  }

  /** By the name that the form has for the field; "" when nothing is wrong. */
  errorOf(name: HyperparameterName): string {
    const wish = this.wishes.get(name);
    return wish?.kind === 'wrong' ? `${HYPERPARAMETER_NAMES[name]} ${wish.why}` : '';
  }

  /** What stood in the original, when it was something else; null otherwise. */
  was(name: HyperparameterName): string | null {
    if (this.original === null) return null;
    const before = valueText(this.original[name]);
    return before === this.texts[name].trim() ? null : before;
  }

  requests(): RunRequest[] {
    const settings = this.settings ?? [];
    const tags = this.tags
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '');
    return settings.map((hyperparameters) => ({
      kind: this.kind,
      dataset: this.dataset,
      hyperparameters,
      engine: this.engine === 'best' ? null : this.engine,
      devices: this.#devicesWish(),
      threads: this.threads.trim() === '' ? null : Number(this.threads),
      name: this.#nameFor(hyperparameters, settings.length),
      experiment: this.experiment.trim() === '' ? null : this.experiment.trim(),
      tags,
      startFrom: this.startFrom === '' ? null : this.startFrom,
      vocabularyPath: this.vocabularyPath,
    }));
  }

  #devicesWish(): DevicesWish {
    if (this.devices === ANY_DEVICE) return ONE_DEVICE;
    return this.devices === 'free' || this.devices === 'all' ? this.devices : [this.devices];
  }

  /** Of several runs each says what is its own. */
  #nameFor(hyperparameters: Hyperparameters, count: number): string | null {
    const name = this.name.trim();
    if (count === 1) return name === '' ? null : name;
    const own = [...this.wishes]
      .filter(([, wish]) => isSeveral(wish))
      .map(([field]) => `${field} ${valueText(hyperparameters[field])}`)
      .join(', ');
    return `${name === '' ? '' : `${name} · `}${own}`.slice(0, 200);
  }
}
