/** @file Runs under Node. The flags that say what is trained, of `train` and `queue add`, and the request they make. */
import { type Command, Option } from 'commander';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import { fineTuningDefaults } from '../../shared/presets.ts';
import type { ImportedModelService } from '../studio/importedModels.ts';
import type { TrainRequest } from '../studio/training.ts';
import type { CommonOptions } from './command.ts';
import { besideProgramsOption, DEVICES_HELP, devicesFrom } from './devicesFlag.ts';
import { addHyperparameterFlags, hyperparametersFrom } from './hyperparameterFlags.ts';
import { engineFrom, wholeNumber } from './values.ts';

/** What commander makes of the flags that fine-tuning and pretraining share. */
export interface PlaceOptions extends CommonOptions {
  readonly model?: string;
  readonly vocabulary?: string;
  readonly engine?: string;
  readonly threads?: string;
  readonly devices?: string;
  /** False with --no-wait, where a command has it. */
  readonly wait?: boolean;
  readonly besidePrograms?: true;
  readonly name?: string;
  readonly experiment?: string;
  readonly tag: readonly string[];
}

/** The hyperparameters stand beside these. */
export interface TrainOptions extends PlaceOptions {
  readonly dataset: string;
}

/** Of the commands that start a run themselves. */
export const noWaitOption = () =>
  new Option('--no-wait', 'say so and end, where a device is in use, instead of waiting for it').helpGroup(
    GROUP,
  );

const MOST_THREADS = 1024;
const GROUP = 'What and where:';

export function addTrainFlags(command: Command): Command {
  const collect = (tag: string, tags: readonly string[]) => [...tags, tag];
  const engines = OFFERED_ENGINES.join(' or ');
  const options = [
    new Option('--dataset <NAME>', 'the data set to train on').makeOptionMandatory(),
    new Option(
      '--model <MODEL>',
      'start from an imported model (its recipe is then the default), or from the weights and tokenizer of a run',
    ),
    new Option(
      '--vocabulary <FILE>',
      "a vocab.json of words, or WordPiece: a vocab.txt, a tokenizer.json, or their folder (default: the training split's words)",
    ),
    new Option('--engine <NAME>', `${engines} (default: the best that works)`),
    new Option('--threads <N>', 'threads of the engine (default: one a core)'),
    new Option('--devices <LIST>', DEVICES_HELP),
    besideProgramsOption(),
    new Option('--name <NAME>', 'a name for the run'),
    new Option('--experiment <NAME>', 'the experiment that the run belongs to'),
    new Option('--tag <TAG>', 'a tag; may be given several times').argParser(collect).default([], 'none'),
  ];
  for (const option of options) command.addOption(option.helpGroup(GROUP));
  return addHyperparameterFlags(command);
}

/**
 * @param models where --model is looked up
 * @throws StudioError USAGE for flags that are out of range or exclude each other; what a damaged model throws.
 */
export function trainRequestFrom(
  options: TrainOptions & Readonly<Record<string, unknown>>,
  models: Pick<ImportedModelService, 'find'>,
): TrainRequest {
  const place = placeFrom(options);
  return {
    dataset: options.dataset,
    hyperparameters: hyperparametersFrom(options, recipeOf(options.model, models)),
    ...place,
  };
}

/** What is not the data and not a hyperparameter. @throws StudioError USAGE */
export function placeFrom(
  options: PlaceOptions & Readonly<Record<string, unknown>>,
): Omit<TrainRequest, 'dataset' | 'hyperparameters' | 'kind'> {
  refuseSizeOfModel(options);
  const devices = devicesFrom(options.devices);
  return {
    engine: engineFrom(options.engine),
    threads: wholeNumber('--threads', options.threads, { low: 1, high: MOST_THREADS }) ?? null,
    ...(devices === undefined ? {} : { devices }),
    waits: options.wait !== false,
    besidePrograms: options.besidePrograms === true,
    name: options.name ?? null,
    experiment: options.experiment ?? null,
    tags: options.tag,
    vocabularyPath: options.vocabulary ?? null,
    startFrom: options.model ?? null,
  };
}

/** Of a run nothing is taken over: its settings can be seen and said. */
function recipeOf(
  model: string | undefined,
  models: Pick<ImportedModelService, 'find'>,
): Partial<Hyperparameters> {
  const imported = model === undefined ? null : models.find(model);
  return imported === null ? {} : fineTuningDefaults(imported.model);
}

function refuseSizeOfModel(options: PlaceOptions & Readonly<Record<string, unknown>>): void {
  if (options.model === undefined || options['size'] === undefined) return;
  throw new StudioError('USAGE', '--size and --model exclude each other: a model has its size.', {
    nextStep: 'Leave one of them out.',
  });
}
