/** @file Runs under Node. `entail train`: makes a run on a data set and watches it. */
import { type Command, Option } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { TrainRequest } from '../studio/training.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { addHyperparameterFlags, hyperparametersFrom } from './hyperparameterFlags.ts';
import { engineFrom, OFFERED_ENGINES, wholeNumber } from './values.ts';
import { watchTraining } from './watchTraining.ts';

interface TrainOptions extends CommonOptions {
  readonly dataset: string;
  readonly model?: string;
  readonly vocabulary?: string;
  readonly engine?: string;
  readonly threads?: string;
  readonly name?: string;
  readonly experiment?: string;
  readonly tag: readonly string[];
}

const MOST_THREADS = 1024;

function requestFrom(options: TrainOptions, hyperparameters: Hyperparameters): TrainRequest {
  return {
    dataset: options.dataset,
    hyperparameters,
    engine: engineFrom(options.engine),
    threads: wholeNumber('--threads', options.threads, { low: 1, high: MOST_THREADS }) ?? null,
    name: options.name ?? null,
    experiment: options.experiment ?? null,
    tags: options.tag,
    vocabularyPath: options.vocabulary ?? null,
    startFrom: options.model ?? null,
  };
}

function refuseSizeOfModel(options: TrainOptions & Record<string, unknown>): void {
  if (options.model === undefined || options['size'] === undefined) return;
  throw new StudioError('USAGE', '--size and --model exclude each other: a model has its size.', {
    nextStep: 'Leave one of them out.',
  });
}

export function addTrain(program: Command, cli: Cli): void {
  const command = describe(program.command('train'), {
    summary: 'fine-tune a model on a data set',
    details:
      'Ctrl-C once stops in good order, with a checkpoint; twice ends at once. Either way "runs resume" goes on.\n' +
      "Every default and the book's value stand beside the flag.",
    examples: [
      ['train --dataset snli', "the book's small network, best engine that works here"],
      ['train --dataset snli --epochs 8 --seed 1 --name "eight epochs"', 'another length and seed'],
      [
        'train --dataset snli --size free --layers 2 --hidden 128 --heads 4 --feed-forward 256',
        'a size of your own',
      ],
      ['train --dataset snli --json', 'JSON lines; the last is {"event":"result",…}'],
    ],
  });
  const collect = (tag: string, tags: readonly string[]) => [...tags, tag];
  command
    .addOption(
      new Option('--dataset <NAME>', 'the data set to train on')
        .makeOptionMandatory()
        .helpGroup('What and where:'),
    )
    .addOption(
      new Option('--model <RUN>', 'start from the weights and vocabulary of a finished run').helpGroup(
        'What and where:',
      ),
    )
    .addOption(
      new Option(
        '--vocabulary <FILE>',
        'a vocab.json, instead of building one from the training split',
      ).helpGroup('What and where:'),
    )
    .addOption(
      new Option(
        '--engine <NAME>',
        `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`,
      ).helpGroup('What and where:'),
    )
    .addOption(
      new Option('--threads <N>', 'threads of the engine (default: one a core)').helpGroup('What and where:'),
    )
    .addOption(new Option('--name <NAME>', 'a name for the run').helpGroup('What and where:'))
    .addOption(
      new Option('--experiment <NAME>', 'the experiment that the run belongs to').helpGroup(
        'What and where:',
      ),
    )
    .addOption(
      new Option('--tag <TAG>', 'a tag; may be given several times')
        .argParser(collect)
        .default([], 'none')
        .helpGroup('What and where:'),
    );
  addHyperparameterFlags(command).action((options: TrainOptions & Record<string, unknown>) =>
    cli.run(options, async (work) => {
      refuseSizeOfModel(options);
      const hyperparameters = hyperparametersFrom(options);
      const request = requestFrom(options, hyperparameters);
      const { training } = await work.studio();
      return await watchTraining(work, { epochs: hyperparameters.epochs }, (listener) =>
        training.start(request, listener, work.interruption.stop),
      );
    }),
  );
}
