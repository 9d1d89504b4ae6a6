/** @file Runs under Node. `entail train`: makes a run on a data set and watches it. */
import type { Command } from 'commander';
import type { TrainRequest } from '../studio/training.ts';
import { type Cli, describe } from './command.ts';
import { addTrainFlags, noWaitOption, type TrainOptions, trainRequestFrom } from './trainRequest.ts';
import { watchTraining } from './watchTraining.ts';

export function addTrain(program: Command, cli: Cli): void {
  const command = describe(program.command('train'), {
    summary: 'fine-tune a model on a data set',
    details:
      'Ctrl-C once stops in good order, with a checkpoint; twice ends at once. Either way "runs resume" goes on.\n' +
      'While a studio is open on the same data directory the run joins its queue and is watched here.\n' +
      'A GPU computes one run at a time: the run waits for it, and says which process has it.\n' +
      'Beside a program that is no Entail, such as a notebook left open, it starts with --beside-programs.\n' +
      "Every default and the book's value stand beside the flag.",
    examples: [
      ['train --dataset snli', "the book's small network, best engine that works here"],
      ['train --dataset snli --epochs 8 --seed 1 --name "eight epochs"', 'another length and seed'],
      [
        'train --dataset snli --size free --layers 2 --hidden 128 --heads 4 --feed-forward 256',
        'a size of your own',
      ],
      ['train --dataset snli --model minilm', 'fine-tune an imported model'],
      ['train --dataset snli --engine tensorflow --devices 1', 'on the second GPU'],
      [
        'train --dataset snli --engine tensorflow --devices 0,1',
        'on two GPUs, each with its share of every batch',
      ],
      ['train --dataset snli --json', 'JSON lines; the last is {"event":"result",…}'],
    ],
  });
  addTrainFlags(command.addOption(noWaitOption())).action((options: TrainOptions & Record<string, unknown>) =>
    cli.run(options, async (work) => {
      const { training, models } = await work.studio();
      const request: TrainRequest = { devices: 'free', ...trainRequestFrom(options, models) };
      return await watchTraining(work, { epochs: request.hyperparameters.epochs }, (listener) =>
        training.start(request, listener, work.interruption.stop),
      );
    }),
  );
}
